// A provider's side of SMPP made of the npm package "smpp": answers submit_sm, sends receipts, throttles, cuts links.
// Settings come as one JSON argument; the port is printed as the first line, a summary as the last (on SIGTERM).
const smpp = require('smpp');
const o = Object.assign({ids: 'same', limit: 0, cutEvery: 0, receipts: true}, JSON.parse(process.argv[2] || '{}'));
let next = 1000, windowStart = 0, inWindow = 0, answered = 0;
const texts = new Map(); // destination → times its submission was accepted
const count = {binds: 0, submits: 0, accepted: 0, throttled: 0, cuts: 0, receipts: 0, receiptAcks: 0, cutUnanswered: 0};
const receivers = new Set();
function throttled() {
  if (!o.limit) return false;
  const second = Math.floor(Date.now() / 1000);
  if (second !== windowStart) { windowStart = second; inWindow = 0; }
  return ++inWindow > o.limit;
}
function forms(n) {
  if (o.ids === 'hex-to-dec') return [n.toString(16).toUpperCase(), String(n).padStart(10, '0')];
  if (o.ids === 'dec-to-hex') return [String(n), n.toString(16)];
  return [String(n), String(n)];
}
function receipt(p, id) {
  const to = receivers.values().next().value;
  if (!to) return;
  count.receipts++;
  to.deliver_sm({source_addr: p.destination_addr, destination_addr: p.source_addr, esm_class: 4,
    short_message: `id:${id} sub:001 dlvrd:001 submit date:2611221500 done date:2611221501 stat:DELIVRD err:000 text:`},
    () => count.receiptAcks++);
}
const server = smpp.createServer({}, s => {
  const bound = hears => p => { count.binds++; if (hears) receivers.add(s); s.send(p.response({system_id: 'SIM'})); };
  s.on('bind_transceiver', bound(true));
  s.on('bind_transmitter', bound(false));
  s.on('bind_receiver', bound(true));
  s.on('enquire_link', p => s.send(p.response()));
  s.on('unbind', p => { s.send(p.response()); s.close(); });
  s.on('error', () => {});
  s.on('close', () => receivers.delete(s));
  s.on('submit_sm', p => {
    if (s.cut) { return; }
    count.submits++;
    if (throttled()) { count.throttled++; return s.send(p.response({command_status: smpp.ESME_RTHROTTLED})); }
    count.accepted++;
    const key = p.destination_addr;
    const part = (p.short_message && p.short_message.udh) ? p.short_message.udh.map(u => u.toString('hex')).join('') : '';
    texts.set(key + part, (texts.get(key + part) || 0) + 1);
    if (o.cutEvery && ++answered % o.cutEvery === 0) {   // taken, but the answer never comes
      count.cuts++; count.cutUnanswered++; s.cut = true; receivers.delete(s); s.socket.destroy(); return;
    }
    const [answer, told] = forms(next++);
    s.send(p.response({message_id: answer}));
    if (o.receipts) setTimeout(() => receipt(p, told), 20);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.on('SIGTERM', () => {
  count.duplicates = [...texts.values()].filter(n => n > 1).length;
  console.log(JSON.stringify(count));
  process.exit(0);
});
