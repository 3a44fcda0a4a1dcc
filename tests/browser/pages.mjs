// Every page that each role can reach: no fault of WCAG 2.2 AA, nothing wider than the screen, works without scripts, quick and light.
import { crawl, enter, open, checkAccess, checkShape, picture, problem, problems, settings, slow, visit, weight } from './browse.mjs';

const browser = await open();
const nobody = await enter(browser, null);
await visit(nobody, '/console');
await checkShape(nobody, 'sign-in');
await checkAccess(nobody, 'sign-in');
await picture(nobody, 'sign-in');
await nobody.fill('#key', 'not a key');
await nobody.click('main button[type=submit]');
await checkAccess(nobody, 'sign-in with a wrong key');
if (!(await nobody.title()).startsWith('Error:')) problem('a wrong key: the title does not say "Error:"');
if (!(await nobody.$('#key-error'))) problem('a wrong key: nothing is said beside the field');
await picture(nobody, 'sign-in-wrong');

let pages = 0;
const all = [];
for (const who of ['marketing', 'approver', 'analyst', 'governance', 'operator'].filter((name) => settings.keys[name])) {
  const times = await crawl(browser, who);
  pages += times.length;
  all.push(...times);
  console.log(`${who}: ${times.length} pages`);
}
slow(all);
console.log(`the start page is ${await weight(browser, 'marketing', '/console')} bytes, nothing held before`);
const missing = await enter(browser, 'marketing');
if ((await visit(missing, '/console/nowhere')).status !== 404) problem('/console/nowhere is not 404');
await checkAccess(missing, '404');
if ((await visit(missing, '/console/people')).status !== 403) problem('/console/people is shown to marketing');
await checkAccess(missing, '403');
await browser.close();
const worst = Math.max(...all.map((one) => one.ms));
console.log(`${pages} pages looked at, the slowest answer began after ${worst.toFixed(0)} ms; ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
