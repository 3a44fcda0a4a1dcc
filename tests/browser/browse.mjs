// Helpers of the browser tests: Debian's Chromium by playwright-core, axe-core for WCAG 2.2 AA.
import { createRequire } from 'module';
import fs from 'fs';
import path from 'path';

export const settings = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const require = createRequire(settings.npm + '/');
const { chromium } = require('playwright-core');
const axeSource = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const WIDTHS = [320, 768, 1280];
const MOST_SERVER_MS = 200, MOST_BYTES = 200_000;

export const problems = [];
export const problem = (text) => { problems.push(text); console.log('  PROBLEM', text); };

export async function open() {
  return chromium.launch({ executablePath: settings.chromium, args: ['--no-sandbox'] });
}

// A browser of its own for one person. `scripts`: JavaScript on or off.
export async function enter(browser, who, scripts = true) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: scripts, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.on('pageerror', (error) => problem(`${page.url()}: script error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy|Refused to/.test(message.text())) problem(`${page.url()}: ${message.text()}`);
  });
  if (who) await signIn(page, who);
  return page;
}

export async function signIn(page, who) {
  await page.goto(settings.url + '/console/sign-in');
  await page.fill('#key', settings.keys[who]);
  await Promise.all([page.waitForNavigation(), page.click('main button[type=submit]')]);
  if (!page.url().endsWith('/console')) problem(`${who} cannot sign in: ${page.url()}`);
}

// axe on the page as it is now. Scripts must be on.
export async function checkAccess(page, what) {
  await page.evaluate(axeSource + ';0');  // through the debugger: the page's own policy allows no foreign script
  const result = await page.evaluate((tags) => globalThis.axe.run(document, { runOnly: { type: 'tag', values: tags } }), TAGS);
  for (const fault of result.violations)
    problem(`${what}: axe ${fault.id} (${fault.help}): ${fault.nodes.slice(0, 3).map((node) => node.target.join(' ')).join('; ')}`);
  return result.violations.length;
}

export async function checkShape(page, what) {
  const shape = await page.evaluate(() => ({
    headings: document.querySelectorAll('h1').length,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    title: document.title,
  }));
  if (shape.headings !== 1) problem(`${what}: ${shape.headings} <h1>`);
  if (!shape.title.includes('Pharos')) problem(`${what}: title "${shape.title}"`);
  return shape;
}

export async function picture(page, name) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 1) problem(`${name} at ${width} px: ${wide} px wider than the screen`);
    await page.screenshot({ path: path.join(settings.pictures, `${name}-${width}.png`), fullPage: true });
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}

// Goes to an address and measures: status, server's time, bytes transferred for the page without what the browser already holds.
export async function visit(page, address) {
  const begin = performance.now();
  const response = await page.goto(settings.url + address);
  const timing = response.request().timing();
  const ms = timing.responseStart > 0 ? timing.responseStart - timing.requestStart : performance.now() - begin;
  return { status: response.status(), ms };
}

export async function weight(browser, who, address) {
  const page = await enter(browser, who);
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.clearBrowserCache');
  let bytes = 0;
  session.on('Network.loadingFinished', (event) => { bytes += event.encodedDataLength; });
  await page.goto(settings.url + address);
  await page.waitForTimeout(300);
  await page.context().close();
  if (bytes > MOST_BYTES) problem(`${address}: ${bytes} bytes transferred (at most ${MOST_BYTES})`);
  return bytes;
}

const nameOf = (address) => address.replace(/^\//, '').replace(/[^a-zA-Z0-9]+/g, '-').slice(0, 80) || 'start';

// Every page of the console that links lead to, a few of each kind.
export async function crawl(browser, who, { most = 60, ofAKind = 2 } = {}) {
  const page = await enter(browser, who), plain = await enter(browser, who, false);
  const seen = new Set(), kinds = new Map(), queue = ['/console'];
  const times = [];
  while (queue.length && seen.size < most) {
    const address = queue.shift();
    if (seen.has(address)) continue;
    seen.add(address);
    const what = `${who} ${address}`;
    let status = 0, ms = 0;
    try {
      ({ status, ms } = await visit(page, address));
    } catch (error) {
      if (/Download is starting/.test(error.message)) continue;
      throw error;
    }
    if (status !== 200) { problem(`${what}: ${status}`); continue; }
    times.push({ address, ms });
    await checkShape(page, what);
    await checkAccess(page, what);
    if (settings.pictures) await picture(page, `${who}-${nameOf(address)}`);
    const without = await plain.goto(settings.url + address);
    if (without.status() !== 200) problem(`${what} without scripts: ${without.status()}`);
    const links = await page.$$eval('a[href]', (all) => all.map((a) => a.getAttribute('href')));
    for (const link of links) {
      if (!link.startsWith('/console') || /\/(stream|download|export)|\.(csv|json)/.test(link)) continue;
      const kind = link.replace(/\?.*/, '?').split('/').map((word, at) => (at > 2 ? '*' : word)).join('/') + '/' + (link.split('/')[4] || '').replace(/\?.*/, '');
      const many = kinds.get(kind) || 0;
      if (seen.has(link) || many >= ofAKind) continue;
      kinds.set(kind, many + 1);
      queue.push(link);
    }
  }
  await page.context().close();
  await plain.context().close();
  return times;
}

export function slow(times) {
  for (const { address, ms } of times) {
    if (ms > MOST_SERVER_MS) problem(`${address}: ${ms.toFixed(0)} ms until the answer began (at most ${MOST_SERVER_MS})`);
  }
}
