// What anybody sees who presses a link in an email, on any phone, with scripts and without: the unsubscribe page, the page "what we send you"
// in both languages, and links that do not work. Nothing happens before a button is pressed; what was chosen is said, and can be taken back.
import fs from 'fs';
import path from 'path';
import { checkAccess, enter, open, picture, problem, problems, settings } from './browse.mjs';

const inbox = fs.readFileSync(path.join(settings.folder, 'sandbox.inbox'), 'utf8').replace(/=\r?\n/g, '');
const tokens = [...new Set([...inbox.matchAll(/\/[up]\/([A-Za-z0-9_-]{20,128})/g)].map((found) => found[1]))];
const NEEDED = 4;
if (tokens.length < NEEDED) {
  console.log(`PROBLEM: ${tokens.length} emails with links were sent, ${NEEDED} are needed`);
  process.exit(1);
}

async function see(page, scripts, what, words) {
  const text = await page.innerText('main');
  if (!words.test(text)) problem(`${what}: not ${words} but "${text.slice(0, 200)}"`);
  const headings = await page.$$eval('h1', (all) => all.length);
  if (headings !== 1) problem(`${what}: ${headings} <h1>`);
  if (!scripts) return;
  await checkAccess(page, what);
  await picture(page, `public-${what.replace(/[^a-z]+/gi, '-')}`);
}
async function press(page, words) {
  await Promise.all([page.waitForNavigation(), page.getByRole('button', { name: words }).click()]);
}
async function choose(page, choice) {
  await page.check(`input[name=choice][value=${choice}]`);
  await press(page, /Save my choice|Cadw fy newis/);
}

async function preferences(browser, scripts, token, welsh) {
  const page = await enter(browser, null, scripts), name = `what we send you${welsh ? ' in Welsh' : ''}`;
  const address = `${settings.url}/p/${token}`;
  await page.goto(address);
  if (welsh) await Promise.all([page.waitForNavigation(), page.getByRole('link', { name: 'Cymraeg' }).click()]);
  await see(page, scripts, name, welsh ? /Beth hoffech chi ei wneud/ : /What do you want to do/);
  await press(page, /Save my choice|Cadw fy newis/);
  await see(page, scripts, `${name}, nothing chosen`, welsh ? /Mae problem/ : /There is a problem/);
  if (!/^(Error|Gwall): /.test(await page.title())) problem(`${name}, nothing chosen: the title does not say so`);
  await choose(page, 'pause');
  await see(page, scripts, `${name}, paused`, welsh ? /Rydym wedi oedi negeseuon tan/ : /We have paused messages until/);
  await page.goto(address + (welsh ? '?lang=cy' : ''));
  await choose(page, 'stop_all');
  await see(page, scripts, `${name}, stopped`, welsh ? /Ni fyddwn yn anfon rhagor/ : /We will not send you any more messages/);
  await press(page, /Take back what I chose here|Tynnu’n ôl yr hyn a ddewisais yma/);
  await see(page, scripts, `${name}, taken back`, welsh ? /Rydych wedi tynnu’n ôl/ : /You have taken back/);
  await page.goto(address + (welsh ? '?lang=cy' : ''));
  await choose(page, 'resume');
  await see(page, scripts, `${name}, nothing to take back`, welsh ? /Doedd dim byd/ : /There was nothing to take back/);
  await page.context().close();
}

async function unsubscribe(browser, scripts, token) {
  const page = await enter(browser, null, scripts);
  await page.goto(`${settings.url}/u/${token}`);
  await see(page, scripts, 'unsubscribe', /./);
  await Promise.all([page.waitForNavigation(), page.locator('main button').first().click()]);
  await see(page, scripts, 'unsubscribed', /./);
  await page.context().close();
}

async function broken(browser, scripts) {
  const page = await enter(browser, null, scripts);
  for (const kind of ['p', 'u', 'l']) {
    const response = await page.goto(`${settings.url}/${kind}/${tokens[0].slice(0, -1)}${tokens[0].endsWith('0') ? '1' : '0'}`);
    if (response.status() !== 404) problem(`a changed link /${kind}/ answers ${response.status()}`);
    await see(page, scripts, `a broken link ${kind}`, /./);
  }
  await page.context().close();
}

const browser = await open();
for (const scripts of [true, false]) {
  const first = scripts ? 0 : 2;
  await preferences(browser, scripts, tokens[first], false);
  await preferences(browser, scripts, tokens[first], true);
  await unsubscribe(browser, scripts, tokens[first + 1]);
  await broken(browser, scripts);
}
await browser.close();
console.log(`${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
