// Makes pages better; none needs it. No inline scripts, no state: what is shown comes from the server.
const own = document.querySelector('script[src="/assets/console.js"]');
document.body.classList.add('js-enabled');
if (own && own.dataset.govuk && 'noModule' in HTMLScriptElement.prototype) {
  document.body.classList.add('govuk-frontend-supported');
  import('/assets/govuk-frontend.min.js').then(({ initAll }) => initAll());
}

// <… data-stream="/console/…/stream">: the server sends {element id: HTML}.
for (const element of document.querySelectorAll('[data-stream]')) {
  const source = new EventSource(element.dataset.stream);
  source.onmessage = (event) => {
    for (const [id, html] of Object.entries(JSON.parse(event.data))) {
      const target = document.getElementById(id);
      if (target && target.innerHTML !== html) target.innerHTML = html;
    }
  };
  source.addEventListener('end', () => source.close());
}

// <form data-live="/console/…" data-live-into="id">: while somebody types, the form is asked there and what comes is put into the element.
for (const form of document.querySelectorAll('form[data-live]')) {
  const into = document.getElementById(form.dataset.liveInto);
  let timer = 0, asked = 0;
  const ask = async () => {
    const number = ++asked;
    const response = await fetch(form.dataset.live, {
      method: 'POST', headers: { 'X-Part': '1' }, body: new URLSearchParams(new FormData(form)),
    }).catch(() => null);
    if (!response || number !== asked) return;
    if (response.ok || response.status === 422) into.innerHTML = await response.text();
  };
  form.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(ask, 150); });
}

// <button data-print>: shown only where it works.
for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => window.print());
}
