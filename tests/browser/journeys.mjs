// The first ten minutes of everybody but who launches (launch.mjs): an analyst counts and takes a table away, an approver sends back, the
// author mends, somebody else approves; governance finds a person, asks why, writes down a stop, takes a record out; replies are dealt
// with; a file with a wrong row is brought in; a text is sent to oneself. With scripts and without, and what was done is looked for on a page
// drawn afresh.
import fs from 'fs';
import path from 'path';
import { checkAccess, checkShape, enter, open, picture, problem, problems, settings } from './browse.mjs';

const CAMPAIGN = 'quit-1';
let journey = '';

const at = (address) => settings.url + address;
async function see(page, scripts, what, words) {
  const text = await page.innerText('main');
  if (!words.test(text)) problem(`${journey}: ${what}: not ${words} but "${text.slice(0, 400)}"`);
  await checkShape(page, `${journey}: ${what}`);
  if (!scripts) return text;
  await checkAccess(page, `${journey}: ${what}`);
  if (settings.pictures) await picture(page, `${journey}-${what}`.replace(/[^a-z]+/gi, '-'));
  return text;
}
const press = (page, name) => Promise.all([page.waitForNavigation(), page.locator('main').getByRole('button', { name }).first().click()]);
const follow = (page, name) => Promise.all([page.waitForNavigation(), page.locator('main').getByRole('link', { name }).first().click()]);
// A button that is a link (GOV.UK's role="button").
async function take(page, name) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('main').getByRole('button', { name }).first().click()]);
  return fs.readFileSync(await download.path(), 'utf8');
}
function cells(file) {
  const [head, ...rows] = fs.readFileSync(path.join(settings.folder, 'people', file), 'utf8').trim().split(/\r?\n/).map((line) => line.split(','));
  return rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i]])));
}

async function analyst(page, scripts) {
  await page.goto(at('/console/audiences/new'));
  await page.fill('#filter', 'audience_kinds:PUBLIC AND age >= 35');
  await press(page, 'Count');
  const text = await see(page, scripts, 'counted', /[0-9,]+ (people|of)/);
  if (/There is a problem/.test(text)) problem(`${journey}: the count is refused`);
  await page.fill('#filter', 'agee >= 35');
  await press(page, 'Count');
  await see(page, scripts, 'a wrong field', /age/);
  await page.goto(at('/console/audiences/public/table?by=area'));
  await see(page, scripts, 'by area', /Aldmere \(X90000001\)/);
  const table = await take(page, 'Download as CSV');
  if (!/^group,people,how_told/.test(table) || !/Aldmere/.test(table)) problem(`${journey}: the file of the table is ${table.slice(0, 200)}`);
  await page.goto(at(`/console/campaigns/${CAMPAIGN}/report`));
  await see(page, scripts, 'report', /Reach by deprivation[^]*Reach by age[^]*Aldmere \(X90000001\)/);
  const reach = await take(page, 'Download area as CSV');
  if (!/^area,name,people/.test(reach) || !/"X90000001","Aldmere",/.test(reach)) problem(`${journey}: the file of the reach is ${reach.slice(0, 200)}`);
  await page.goto(at('/console/people'));
  await see(page, scripts, 'people are not for analysts', /Your roles do not include/);
}

async function draft(page, name) {
  await page.goto(at('/console/campaigns/new'));
  await page.fill('#display_name', name);
  await page.selectOption('#audience', { index: 1 });
  await page.selectOption('#purpose', 'purposes/stop-smoking');
  await press(page, 'Continue');
  await page.selectOption('#template', 'templates/quit-1');
  await page.getByLabel('Text message', { exact: true }).check();
  await page.fill('#sms_sender', '60777');
  await press(page, 'Save and continue');
  return new URL(page.url()).pathname;
}
async function ask(page, address) {
  await page.goto(at(address + '/check'));
  await press(page, 'Ask for approval');
}

async function sendBack(browser, maya, scripts) {
  const address = await draft(maya, `To be mended ${scripts ? 1 : 2}`);
  await ask(maya, address);
  const sam = await enter(browser, 'approver', scripts);
  await sam.goto(at(address));
  await see(sam, scripts, 'to decide', /You approve exactly what is shown here/);
  await press(sam, 'Send back to its author');
  await see(sam, scripts, 'no reason given', /Say what has to change/);
  await sam.fill('#reason', 'Say in the text when the clinic is open.');
  await press(sam, 'Send back to its author');
  await see(sam, scripts, 'sent back', /draft again/);
  await maya.goto(at(address));
  await see(maya, scripts, 'what has to change', /Say in the text when the clinic is open\./);
  await ask(maya, address);
  await maya.goto(at(address));
  await see(maya, scripts, 'nobody approves their own', /somebody else must approve|does not include approving/);
  await sam.goto(at(address));
  await press(sam, /^Approve/);
  await sam.goto(at(address));
  await see(sam, scripts, 'approved by another', /Approved by/);
  await sam.context().close();
}

async function sendToMyself(page, scripts) {
  await page.goto(at('/console/templates/quit-1'));
  await Promise.all([page.waitForNavigation(), page.locator('main').getByRole('button', { name: 'Send it to yourself' }).click()]);
  await see(page, scripts, 'to myself', /made-up values/);
  await press(page, 'Send it');
  await see(page, scripts, 'no address', /Enter your mobile number/);
  await page.fill('#address', '07700 900199');
  await press(page, 'Send it');
  for (let i = 0; i < 40 && !/Delivered|Failed|Not sent/.test(await page.innerText('main')); ++i) {
    await page.waitForTimeout(500);
    await page.reload();
  }
  await see(page, scripts, 'came to myself', /(Delivered|Accepted|Failed)[^]*Sam/);
}

// A page of people, after saying why it is looked at.
async function openPeople(page, address) {
  await page.goto(at(address));
  if (!(await page.$('#purpose'))) return;
  await page.selectOption('#purpose', 'purposes/access-requests');
  await press(page, 'Continue');
}

async function find(page, by) {
  await openPeople(page, '/console/people');
  await page.fill('#by', by);
  await press(page, 'Search');
  const link = await page.$('main table a');
  return link ? link.getAttribute('href') : null;
}

// A person of several records of whom nobody has decided anything: a second decision on the same records may contradict the first.
async function personOfSeveral(page, taken) {
  for (const row of cells('quit.csv').filter((each) => each.phone && each.consent_sms === 'granted')) {
    const person = await find(page, `quit/${row.record_id}`);
    if (!person) continue;
    await page.goto(at(person + '/unlink'));
    const records = await page.$$eval('input[name=records]', (all) => all.map((each) => each.value));
    if (records.length < 2 || records.some((each) => taken.has(each))) continue;
    records.forEach((each) => taken.add(each));
    return person;
  }
  throw new Error('nobody with two records was found');
}

const taken = new Set();  // records
async function governance(page, scripts) {
  const person = await personOfSeveral(page, taken);
  await page.goto(at(person));
  await see(page, scripts, 'person', /Date of birth/);
  for (const [part, words] of [['timeline', /20[0-9][0-9]/], ['why', /may|not/i], ['consent', /smoking/], ['links', /record/i]]) {
    await page.goto(at(`${person}/${part}`));
    await see(page, scripts, part, words);
  }
  await page.goto(at(person + '/stop'));
  await press(page, 'Stop');
  await see(page, scripts, 'nothing chosen to stop', /There is a problem/);
  await page.check('input[name=what][value=everything]');
  await page.locator('input[name=how]').first().check();
  await press(page, 'Stop');
  await page.goto(at(person + '/why'));
  await see(page, scripts, 'why not any more', /opted out|stop/i);

  await page.goto(at(person + '/unlink'));
  const records = await page.$$eval('input[name=records]', (all) => all.map((each) => each.value));
  const [kept, out] = [records[0], records[records.length - 1]];
  await page.check(`input[name=records][value="${out}"]`);
  await press(page, 'Take them out');
  await see(page, scripts, 'why taken out', /Enter why they are somebody else/);
  await page.fill('#reason', 'Their letters come to two addresses.');
  await press(page, 'Take them out');
  await see(page, scripts, 'taken out', /Taken out\./);
  const shortOf = (record) => record.replace('sources/', '').replace('records/', '');
  const [one, other] = [await find(page, shortOf(kept)), await find(page, shortOf(out))];
  if (!one || !other || one === other) problem(`${journey}: ${kept} and ${out} are still one person: ${one}, ${other}`);
  await page.goto(at('/console/questions'));
  await see(page, scripts, 'questions', /analyst|marketing/);
}

async function review(page, scripts) {
  await openPeople(page, '/console/reviews');
  const pairs = await page.$$('main table a');
  if (pairs.length === 0) return problem(`${journey}: no pair waits to be looked at`);
  const address = await pairs[0].getAttribute('href');
  await page.goto(at(address));
  await see(page, scripts, 'one person or two', /How likely it is/);
  await press(page, 'Two people');
  await see(page, scripts, 'why two', /There is a problem/);
  await page.fill('#reason', 'They are brothers.');
  await press(page, 'Two people');
  const gone = await page.goto(at(address));
  if (gone.status() !== 404) problem(`${journey}: a pair that was decided is still there (${gone.status()})`);
}

async function inbox(page, scripts) {
  await page.goto(at('/console/inbox?state=ALL'));
  const first = await page.$('main table a');
  if (!first) return problem(`${journey}: the inbox is empty after a campaign that people answered`);
  const address = await first.getAttribute('href');
  await page.goto(at(address));
  await see(page, scripts, 'reply', /Received/);
  await page.fill('#note', `Called back ${scripts ? 'in the morning' : 'in the evening'}.`);
  await press(page, 'Save the note only');
  await page.goto(at(address));
  await see(page, scripts, 'noted', scripts ? /Called back in the morning/ : /Called back in the evening/);
  const done = page.locator('main').getByRole('button', { name: /Mark as dealt with|Reopen/ });
  const before = await done.innerText();
  await Promise.all([page.waitForNavigation(), done.click()]);
  await page.goto(at(address));
  if ((await done.innerText()) === before) problem(`${journey}: "${before}" changed nothing`);
}

const FILE = (run) => `record_id,given_name,family_name,date_of_birth,phone,consent_sms,consent_at
browser-${run}-1,Ann,Archer,1980-03-27,07700 900${run}31,granted,2026-01-01T09:00:00Z
,Bob,Baker,1981-04-28,07700 900${run}32,granted,2026-01-01T09:00:00Z
browser-${run}-3,Cat,Carter,1982-05-29,07700 900${run}33,granted,2026-01-01T09:00:00Z
`;
async function bringIn(page, scripts) {
  const run = scripts ? 1 : 2;
  await page.goto(at('/console/partners/import'));
  await press(page, 'Continue');
  await see(page, scripts, 'no file', /Choose a file/);
  await page.setInputFiles('#file', { name: `sign-ups-${run}.csv`, mimeType: 'text/csv', buffer: Buffer.from(FILE(run)) });
  await page.selectOption('#source', 'sources/quit');
  await page.selectOption('#purpose', 'purposes/stop-smoking');
  await press(page, 'Continue');
  await see(page, scripts, 'columns', /What are the columns/);
  await press(page, 'Check the file');
  await see(page, scripts, 'a row is wrong', /There’s a problem with sign-ups-\d\.csv[^]*Only rows with errors are shown/);
  const wrong = await take(page, 'Download the rows with errors');
  if (!/Bob/.test(wrong) || /Ann|Cat/.test(wrong)) problem(`${journey}: the file of wrong rows is ${wrong}`);
  await press(page, 'Bring in the 2 rows without errors');
  await see(page, scripts, 'brought in', /was brought in/);
}

const JOURNEYS = [
  ['analyst', 'analyst', analyst],
  ['send back', 'marketing', (page, scripts) => sendBack(browser, page, scripts)],
  ['send to myself', 'marketing', sendToMyself],
  ['governance', 'governance', governance],
  ['review', 'governance', review],
  ['inbox', 'governance', inbox],
  ['import', 'operator', bringIn],
];

const browser = await open();
for (const [name, who, go] of JOURNEYS) {
  for (const scripts of [true, false]) {
    journey = scripts ? name : `${name} without scripts`;
    const page = await enter(browser, who, scripts);
    const before = problems.length;
    try {
      await go(page, scripts);
    } catch (error) {
      problem(`${journey}: at ${page.url()}: ${error.message.split('\n')[0]}`);
    }
    console.log(`  ${problems.length === before ? 'done' : 'NOT done'}: ${journey}`);
    await page.context().close();
  }
}
await browser.close();
console.log(`${2 * JOURNEYS.length} journeys; ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
