/** The worker's end of the line to the endpoint's document: what it asks for, and what it makes of the answers. */
import { afterEach, expect, test, vi } from 'vitest';
import { type EndpointAnswer, type EndpointAsk, fetchThrough } from '../../src/worker/endpointLine';

const URL_ = 'https://h.example/v1/chat/completions';
const channels: MessageChannel[] = [];
afterEach(() => {
  for (const { port1 } of channels.splice(0)) port1.close();
});

/** The other end: what it was asked, and a way to answer. */
function line() {
  const channel = new MessageChannel();
  channels.push(channel);
  const asked: EndpointAsk[] = [];
  channel.port2.onmessage = ({ data }) => asked.push(data);
  const abort = new AbortController();
  const through = fetchThrough(channel.port1);
  return {
    asked,
    abort,
    say: (answer: EndpointAnswer) => channel.port2.postMessage(answer),
    send: (body = '{}') => through(URL_, { headers: { accept: 'x' }, body, signal: abort.signal }),
    heard: (count: number) => vi.waitFor(() => expect(asked).toHaveLength(count)),
  };
}
const bytes = (text: string) => new TextEncoder().encode(text);

test('an answer comes piece by piece, and no piece that was not asked for', async () => {
  const { asked, say, send, heard } = line();
  const answer = send('{"a":1}');
  await heard(1);
  expect(asked[0]).toEqual({ type: 'ask', id: 1, url: URL_, headers: { accept: 'x' }, body: '{"a":1}' });
  say({ type: 'head', id: 1, status: 429, headers: [['retry-after', '3']] });
  const response = await answer;
  expect([response.status, response.ok, response.headers.get('retry-after')]).toEqual([429, false, '3']);
  const text = response.text();
  await heard(2);
  say({ type: 'piece', id: 1, bytes: bytes('slow ') });
  await heard(3);
  say({ type: 'piece', id: 1, bytes: bytes('down') });
  await heard(4);
  say({ type: 'piece', id: 1, bytes: null });
  expect(await text).toBe('slow down');
  expect(asked.slice(1)).toEqual([1, 2, 3].map(() => ({ type: 'more', id: 1 })));
});

test('two requests at a time get each its own answer', async () => {
  const { say, send, heard } = line();
  const answers = [send(), send()];
  await heard(2);
  for (const id of [2, 1]) say({ type: 'head', id, status: 200 + id, headers: [] });
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([201, 202]);
});

test('what failed is a TypeError, before the answer and in its midst', async () => {
  const { say, send, heard } = line();
  const refused = send();
  await heard(1);
  say({ type: 'failed', id: 1 });
  await expect(refused).rejects.toThrow(TypeError);
  const broken = send();
  await heard(2);
  say({ type: 'head', id: 2, status: 200, headers: [] });
  const text = (await broken).text();
  await heard(3);
  say({ type: 'failed', id: 2 });
  await expect(text).rejects.toThrow(TypeError);
});

test('an abort is passed on, rejects with its reason, and late answers do no harm', async () => {
  const { asked, abort, say, send, heard } = line();
  const answer = send();
  await heard(1);
  abort.abort(new Error('enough'));
  await expect(answer).rejects.toThrow('enough');
  await heard(2);
  expect(asked[1]).toEqual({ type: 'abort', id: 1 });
  say({ type: 'head', id: 1, status: 200, headers: [] });
  await expect(send()).rejects.toThrow('enough');
  expect(asked).toHaveLength(2);
});

test('a stream that is left early is ended at the other end', async () => {
  const { asked, say, send, heard } = line();
  const answer = send();
  await heard(1);
  say({ type: 'head', id: 1, status: 200, headers: [] });
  await (await answer).body!.cancel();
  await heard(2);
  expect(asked.map(({ type }) => type)).toEqual(['ask', 'abort']);
});

test('an answer without a body is one', async () => {
  const { say, send, heard } = line();
  const answer = send();
  await heard(1);
  say({ type: 'head', id: 1, status: 204, headers: [] });
  expect(await (await answer).text()).toBe('');
});
