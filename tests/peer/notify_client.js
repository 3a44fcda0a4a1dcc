// The official Node.js client of GOV.UK Notify (npm notifications-node-client), as it is, against pharos-edge.
//   NODE_PATH=…/node_modules node notify_client.js '{"url": …, "key": …, "rate": 3000}'
// Prints a line for each check, and as its last one "N passed, N failed".
const {NotifyClient} = require('notifications-node-client');
const http = require('http');

const settings = JSON.parse(process.argv[2]);
const client = new NotifyClient(settings.url, settings.key);
const service = settings.key.slice(-73, -37), secret = settings.key.slice(-36);
let passed = 0, failed = 0;

function check(name, holds, seen) {
  if (holds) passed++; else failed++;
  console.log((holds ? 'ok     ' : 'FAILED ') + name + (holds ? '' : ': ' + JSON.stringify(seen)));
}
async function refused(name, call, status, error, message) {
  try {
    const answer = await call();
    check(name, false, answer.data);
  } catch (thrown) {
    const seen = thrown.response ? thrown.response.data : String(thrown);
    check(name, thrown.response && thrown.response.status === status && seen.status_code === status &&
        seen.errors[0].error === error && seen.errors[0].message.includes(message), seen);
  }
}
async function until(look, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  let seen;
  do {
    seen = await look();
    if (seen) return seen;
    await new Promise((done) => setTimeout(done, 50));
  } while (Date.now() < end);
  return seen;
}
const statusOf = async (id) => (await client.getNotificationById(id)).data.status;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const NOBODY = '9d2d3e0a-1111-4222-8333-444455556666';

async function templates() {
  const all = (await client.getAllTemplates()).data.templates;
  check('all templates', all.length === 2 && all.every((t) => UUID.test(t.id) && TIME.test(t.created_at)), all);
  const sms = (await client.getAllTemplates('sms')).data.templates;
  check('templates of one type', sms.length === 1 && sms[0].type === 'sms' && sms[0].name === 'Appointment booked', sms);
  const email = all.find((t) => t.type === 'email');
  const one = (await client.getTemplateById(email.id)).data;
  check('a template', one.subject === 'Your appointment ((ref no))' && one.version === 1 && one.personalisation['ref no'], one);
  check('a template at a version', (await client.getTemplateByIdAndVersion(email.id, 1)).data.body === one.body, one);
  const preview = (await client.previewTemplateById(email.id, {name: 'Bob', 'ref no': 'A-1'})).data;
  check('a preview', preview.subject === 'Your appointment A-1' && preview.body.includes('A-1') && preview.html.includes('<'), preview);
  await refused('a preview lacks a value', () => client.previewTemplateById(email.id, {name: 'Bob'}), 400, 'BadRequestError',
    'Missing personalisation: ref no');
  await refused('a template that is not there', () => client.getTemplateById(NOBODY), 404, 'NoResultFound', 'No result found');
  await refused('a version that is not there', () => client.getTemplateByIdAndVersion(email.id, 9), 404, 'NoResultFound', 'No result');
  await refused('a template without a UUID', () => client.getTemplateById('banana'), 400, 'ValidationError', 'id is not a valid UUID');
  await refused('a type that is not there', () => client.getAllTemplates('pigeon'), 400, 'ValidationError', 'not one of [sms, email, letter]');
  return {sms: sms[0].id, email: email.id};
}

async function sending(ids) {
  const sent = await client.sendSms(ids.sms, '07700900201', {personalisation: {name: 'Ann', when: 'Monday', late: false}, reference: 'r-1'});
  check('a text is accepted', sent.status === 201 && UUID.test(sent.data.id) && sent.data.reference === 'r-1' &&
    sent.data.content.body === 'Ann, see you on Monday.' && sent.data.content.from_number === '60777' &&
    sent.data.template.id === ids.sms && sent.data.template.version === 1 && sent.data.uri.endsWith(sent.data.id), sent.data);
  check('it is delivered', await until(async () => (await statusOf(sent.data.id)) === 'delivered'), await statusOf(sent.data.id));
  const shown = (await client.getNotificationById(sent.data.id)).data;
  check('a notification by its id', shown.id === sent.data.id && shown.type === 'sms' && shown.phone_number === '+447700900201' &&
    shown.body === 'Ann, see you on Monday.' && shown.reference === 'r-1' && shown.email_address === null &&
    TIME.test(shown.created_at) && TIME.test(shown.sent_at) && TIME.test(shown.completed_at), shown);
  const mail = (await client.sendEmail(ids.email, 'Bob@example.org', {personalisation: {name: 'Bob', 'Ref No': 'A-2'}})).data;
  check('an email is accepted', mail.content.subject === 'Your appointment A-2' && mail.content.from_email === 'booking@trust.example' &&
    mail.content.body.includes('A-2') && mail.reference === null, mail);
  check('it leaves', await until(async () => ['sending', 'delivered'].includes(await statusOf(mail.id))), await statusOf(mail.id));
  const lists = (await client.sendSms(ids.sms, '07700900202', {personalisation: {name: 'Ann', when: ['Monday', 'Tuesday', 7], late: 'no'}})).data;
  check('a list is said in words', lists.content.body === 'Ann, see you on Monday, Tuesday and 7.', lists);
  const failed = (await client.sendSms(ids.sms, '07700900002', {personalisation: {name: 'A', when: 'now', late: 'no'}})).data;
  check('a number that does not exist', await until(async () => (await statusOf(failed.id)) === 'permanent-failure'), await statusOf(failed.id));
  const later = (await client.sendSms(ids.sms, '07700900003', {personalisation: {name: 'A', when: 'now', late: 'no'}})).data;
  check('a phone that is off', await until(async () => (await statusOf(later.id)) === 'temporary-failure'), await statusOf(later.id));
  const stops = (await client.sendSms(ids.sms, '07700900005', {personalisation: {name: 'A', when: 'now', late: 'no'}})).data;
  await until(async () => (await statusOf(stops.id)) === 'delivered');
  const after = await until(async () => {
    const next = (await client.sendSms(ids.sms, '07700900005', {personalisation: {name: 'A', when: 'then', late: 'no'}})).data;
    const end = await until(async () => {
      const status = await statusOf(next.id);
      return ['delivered', 'permanent-failure'].includes(status) ? status : null;
    });
    return end === 'permanent-failure';
  });
  check('who replied STOP gets nothing more', after, after);
}

async function refusals(ids) {
  const fine = {personalisation: {name: 'A', when: 'now', late: 'no'}};
  await refused('a value is missing', () => client.sendSms(ids.sms, '07700900201', {personalisation: {name: 'A'}}), 400, 'BadRequestError',
    'Missing personalisation: when, late');
  await refused('no phone number', () => client.sendSms(ids.sms, 'banana', fine), 400, 'ValidationError', 'phone_number');
  await refused('a landline', () => client.sendSms(ids.sms, '02079460000', fine), 400, 'ValidationError', 'Not a UK mobile number');
  await refused('no email address', () => client.sendEmail(ids.email, 'banana', {personalisation: {name: 'A', 'ref no': 'x'}}), 400,
    'ValidationError', 'email_address Not a valid email address');
  await refused('a template that is not there', () => client.sendSms(NOBODY, '07700900201', fine), 400, 'BadRequestError', 'Template not found');
  await refused('no UUID', () => client.sendSms('booked', '07700900201', fine), 400, 'ValidationError', 'template_id is not a valid UUID');
  await refused('the other type', () => client.sendSms(ids.email, '07700900201', fine), 400, 'BadRequestError',
    'email template is not suitable for sms notification');
  await refused('a text that is too long', () => client.sendSms(ids.sms, '07700900201', {personalisation: {name: 'A', when: 'x'.repeat(1000), late: 'no'}}),
    400, 'BadRequestError', 'Text messages cannot be longer than 918 characters');
  await refused('a letter', () => client.sendLetter(ids.sms, {personalisation: {address_line_1: 'A'}}), 400, 'BadRequestError',
    'not allowed to send letters');
  await refused('a precompiled letter', () => client.sendPrecompiledLetter('r', Buffer.from('%PDF')), 400, 'BadRequestError',
    'not allowed to send letters');
  await refused('a file', () => client.sendEmail(ids.email, 'a@example.org', {personalisation: {name: 'A', 'ref no': client.prepareUpload('hello')}}),
    400, 'BadRequestError', 'files');
  await refused('another sender', () => client.sendSms(ids.sms, '07700900201', {...fine, smsSenderId: NOBODY}), 400, 'BadRequestError', 'sms_sender_id');
  await refused('a letter as PDF', () => client.getPdfForLetterNotification(NOBODY), 400, 'BadRequestError', 'not a letter');
  await refused('a notification that is not there', () => client.getNotificationById(NOBODY), 404, 'NoResultFound', 'No result found');
  await refused('a notification without a UUID', () => client.getNotificationById('banana'), 400, 'ValidationError', 'is not a valid UUID');
}

async function paging(ids) {
  await Promise.all(Array.from({length: 26}, async () => {
    for (let i = 0; i < 10; i++)
      await client.sendSms(ids.sms, '07700900203', {personalisation: {name: 'P', when: 'x', late: 'no'}, reference: 'many'});
  }));
  const first = (await client.getNotifications(null, null, 'many')).data;
  check('a page has 250 notifications', first.notifications.length === 250 && first.links.next.includes('older_than='), first.links);
  const last = first.notifications[249].id;
  const second = (await client.getNotifications(null, null, 'many', last)).data;
  const seen = new Set([...first.notifications, ...second.notifications].map((n) => n.id));
  check('the next page goes on', second.notifications.length === 10 && seen.size === 260, second.notifications.length);
  const newest = first.notifications.map((n) => n.created_at);
  check('the newest first', newest.every((time, i) => i === 0 || newest[i - 1] >= time), newest.slice(0, 5));
  const old = (await client.getNotificationById(settings.old)).data;
  check('what went through the former campaign', old.body === 'Ann, see you on former times.', old);
  const texts = (await client.getNotifications('sms', null, null, first.notifications[0].id)).data.notifications;
  const before = (await client.getNotifications('sms', null, null, last)).data.notifications;
  check('it is listed, as the oldest', before[before.length - 1].id === settings.old && texts.length === 250, before.length);
  const emails = (await client.getNotifications('email')).data.notifications;
  check('of one type', emails.length === 1 && emails[0].type === 'email' && emails[0].email_address === 'bob@example.org', emails);
  const failures = (await client.getNotifications('sms', 'temporary-failure')).data.notifications;
  check('of one status', failures.length === 1 && failures[0].status === 'temporary-failure', failures);
  const all = (await client.getNotifications('sms', 'failed')).data.notifications;
  check('all that failed', all.length >= 3 && all.every((n) => n.status.endsWith('failure')), all.map((n) => n.status));
  check('letters: none', (await client.getNotifications('letter')).data.notifications.length === 0, null);
  await refused('a status that is not there', () => client.getNotifications(null, 'elephant'), 400, 'ValidationError', 'status elephant');
  await refused('a type that is not there', () => client.getNotifications('pigeon'), 400, 'ValidationError', 'template_type pigeon');
  await refused('older than no UUID', () => client.getNotifications(null, null, null, 'banana'), 400, 'ValidationError',
    'older_than is not a valid UUID');
}

async function received() {
  const first = await until(async () => {
    const page = (await client.getReceivedTexts()).data;
    return page.received_text_messages.length === 250 && page.received_text_messages[0].content === `text ${settings.texts - 1}` && page;
  });
  check('a page has 250 received texts', first, first);
  const texts = first.received_text_messages, last = texts[249];
  check('a received text', UUID.test(texts[0].id) && texts[0].user_number === '447700900260' && texts[0].notify_number === '60777' &&
    texts[0].service_id === service && TIME.test(texts[0].created_at), texts[0]);
  check('its links', first.links.current.endsWith('/v2/received-text-messages') && first.links.next.endsWith(`?older_than=${last.id}`), first.links);
  const rest = (await client.getReceivedTexts(last.id)).data.received_text_messages;
  const all = [...texts, ...rest];
  check('each once, the newest first', all.every((text, i) => text.content === `text ${settings.texts - 1 - i}`) &&
    all.length === settings.texts, all.map((text) => text.content));
  check('who answers a message', all[all.length - 1].user_number === '447700900250', all[all.length - 1]);
  const none = (await client.getReceivedTexts(all[all.length - 1].id)).data;
  check('none is older', none.received_text_messages.length === 0 && !none.links.next, none);
  check('none is older than one that is not there', (await client.getReceivedTexts(NOBODY)).data.received_text_messages.length === 0, null);
  await refused('received texts older than no UUID', () => client.getReceivedTexts('banana'), 400, 'ValidationError', 'older_than');
}

// What the client never does itself.
function raw(headers) {
  return new Promise((done) => http.get(settings.url + '/v2/templates', {headers}, (answer) => {
    let body = '';
    answer.on('data', (more) => body += more);
    answer.on('end', () => done({status: answer.statusCode, data: JSON.parse(body)}));
  }));
}
async function keys() {
  const jwt = require('jsonwebtoken');
  const now = Math.round(Date.now() / 1000);
  const token = (claims, key = secret, alg = 'HS256') => 'Bearer ' + jwt.sign(claims, key, {algorithm: alg, header: {typ: 'JWT', alg}});
  const says = async (name, headers, status, message) => {
    const seen = await raw(headers);
    check(name, seen.status === status && seen.data.status_code === status && seen.data.errors[0].error === 'AuthError' &&
      seen.data.errors[0].message.includes(message), seen);
  };
  await says('no token', {}, 401, 'authentication token must be provided');
  await says('another scheme', {authorization: 'Basic abc'}, 401, 'bearer scheme must be used');
  await says('no JWT', {authorization: 'Bearer abc'}, 403, 'Invalid token');
  await says('another algorithm', {authorization: token({iss: service, iat: now}, secret, 'HS512')}, 403, 'algorithm used is not HS256');
  await says('no issuer', {authorization: token({iat: now})}, 403, 'iss field not provided');
  await says('an unknown service', {authorization: token({iss: NOBODY, iat: now})}, 403, 'service not found');
  await says('another secret', {authorization: token({iss: service, iat: now}, NOBODY)}, 403, 'API key not found');
  await says('an old token', {authorization: token({iss: service, iat: now - 40})}, 403, 'system clock must be accurate to within 30 seconds');
  await says('a token ahead of time', {authorization: token({iss: service, iat: now + 40})}, 403, 'system clock');
  const other = new NotifyClient(settings.url, settings.key.slice(0, -36) + NOBODY);
  await refused('the client with another secret', () => other.getAllTemplates(), 403, 'AuthError', 'Invalid token: API key not found');
}

// 3,000 requests in a minute are held, and no more. Paced, as one address is not to flood the edge.
async function rate(ids) {
  const lane = 10, perSecond = settings.perSecond || 150;
  const began = Date.now();
  let taken = 0, next = 0;
  const took = [];
  let over = null, other = null;
  await Promise.all(Array.from({length: lane}, async () => {
    while (!over && !other && next < settings.rate + 50) {
      const due = began + (next++ / perSecond) * 1000;
      if (due > Date.now()) await new Promise((done) => setTimeout(done, due - Date.now()));
      const start = process.hrtime.bigint();
      try {
        await client.sendSms(ids.sms, '07700900204', {personalisation: {name: 'R', when: 'x', late: 'no'}});
        taken++;
        took.push(Number(process.hrtime.bigint() - start) / 1e6);
      } catch (thrown) {
        const seen = thrown.response ? thrown.response.data : String(thrown);
        if (seen.errors && seen.errors[0].error === 'RateLimitError') over = seen; else other = seen;
      }
    }
  }));
  took.sort((a, b) => a - b);
  const seconds = (Date.now() - began) / 1000;
  console.log(`       ${taken} texts in ${seconds.toFixed(1)} s, median ${took[taken >> 1]?.toFixed(1)} ms, 99 % below ${took[Math.floor(taken * 0.99)]?.toFixed(1)} ms`);
  check('nothing but the limit refuses', other === null, other);
  check('3,000 requests in a minute are taken', settings.before + taken >= settings.rate, taken);
  check('the next is refused in Notify\'s words', over && over.status_code === 429 &&
    over.errors[0].message === 'Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds', over);
}

(async () => {
  const ids = await templates();
  await received();
  await refusals(ids);
  await sending(ids);
  await paging(ids);
  await keys();
  if (settings.rate) {
    // A minute after all that, so that the limit begins afresh.
    settings.before = 0;
    await new Promise((done) => setTimeout(done, 61000));
    await rate(ids);
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
})().catch((thrown) => {
  console.log('FAILED ' + (thrown.response ? JSON.stringify(thrown.response.data) : thrown.stack));
  process.exit(1);
});
