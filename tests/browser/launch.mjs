// Launch and Stop with the keyboard alone, with scripts and without: a campaign is started, checked, approved by somebody else, sent behind
// its button, stopped; each page on the way has no fault of WCAG 2.2 AA.
import { checkAccess, checkShape, enter, open, picture, problem, problems, settings } from './browse.mjs';

const MOST_TABS = 80;
const textOf = () => {
  const at = document.activeElement;
  return at ? (at.labels && at.labels[0] ? at.labels[0].textContent : at.textContent || at.value || '').trim().replace(/\s+/g, ' ') : '';
};

// Tab until what has the focus is called so. `within`: the id it must have.
async function tabTo(page, words, id) {
  for (let i = 0; i < MOST_TABS; ++i) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(`(${textOf})()`), name = await page.evaluate(() => document.activeElement.id);
    if (id ? name === id : words.test(at)) return at;
  }
  throw new Error(`${page.url()}: "${id || words}" is not reached by Tab`);
}
async function press(page, words) {
  const at = await tabTo(page, words);
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  return at;
}
async function type(page, id, text) {
  await tabTo(page, null, id);
  await page.keyboard.press('Control+A');
  await page.keyboard.type(text);
}
// Of a list: its entry that begins so, by typing.
async function choose(page, id, text) {
  await tabTo(page, null, id);
  await page.keyboard.type(text, { delay: 20 });
  const chosen = await page.evaluate(() => document.activeElement.value);
  if (!chosen) throw new Error(`${page.url()}: ${id} has no "${text}"`);
}

async function check(page, what, scripts) {
  await checkShape(page, what);
  if (scripts) {
    await checkAccess(page, what);
    if (settings.pictures) await picture(page, `journey-${what.replace(/[^a-z]+/gi, '-')}`);
  }
  if (/There is a problem/.test(await page.innerText('main'))) problem(`${what}: ${await page.innerText('.govuk-error-summary')}`);
}

async function journey(browser, scripts) {
  const name = scripts ? 'With scripts' : 'Without scripts', maya = await enter(browser, 'marketing', scripts);
  await maya.goto(settings.url + '/console');
  await press(maya, /^Start a campaign$/);
  await check(maya, 'who', scripts);
  await type(maya, 'display_name', name);
  await choose(maya, 'audience', 'public');
  await choose(maya, 'purpose', 'Stop');
  await press(maya, /^Continue$/);
  await check(maya, 'what', scripts);
  await choose(maya, 'template', 'quit');
  await tabTo(maya, /^Text message/);
  await maya.keyboard.press('Space');
  await type(maya, 'sms_sender', '60777');
  await press(maya, /^Save and continue$/);
  await check(maya, 'task list', scripts);
  const address = new URL(maya.url()).pathname;
  await maya.goto(settings.url + address + '/check');
  await check(maya, 'check answers', scripts);
  await press(maya, /^Ask for approval$/);
  await check(maya, 'waiting for approval', scripts);

  const sam = await enter(browser, 'approver', scripts);
  await sam.goto(settings.url + address);
  await check(sam, 'approve', scripts);
  const approve = await press(sam, /^Approve/);
  await check(sam, 'approved', scripts);

  await maya.goto(settings.url + address);
  const send = await press(maya, /^Send [0-9,]+ /);
  console.log(`  ${name}: "${approve}", then "${send}"`);
  await check(maya, 'being sent', scripts);
  await press(maya, /^Stop sending$/);
  const said = await maya.innerText('main');
  if (!/had left|have left|left/.test(said) || !/will not/.test(said)) problem(`${name}: the account of Stop is not shown: ${said.slice(0, 300)}`);
  await check(maya, 'stopped', scripts);
  await maya.context().close();
  await sam.context().close();
}

const browser = await open();
for (const scripts of [true, false]) {
  try {
    await journey(browser, scripts);
  } catch (error) {
    problem(`${scripts ? 'with' : 'without'} scripts: ${error.message}`);
  }
}
await browser.close();
console.log(`${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
