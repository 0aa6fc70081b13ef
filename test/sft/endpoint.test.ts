import { describe, expect, it } from 'vitest';
import { endpointHost, endpointProblem, pageProblem } from '../../src/sft/endpoint';
import { chatUrl, isInternational, normalEndpoint } from '../../src/sft/endpointAddress';

describe('the address of an endpoint', () => {
  it.each([
    ['http://localhost:11434', 'http://localhost:11434/v1/chat/completions'],
    ['http://localhost:11434/', 'http://localhost:11434/v1/chat/completions'],
    ['http://127.0.0.1:8080/v1', 'http://127.0.0.1:8080/v1/chat/completions'],
    ['https://api.openai.com/v1/', 'https://api.openai.com/v1/chat/completions'],
    ['https://openrouter.ai/api/v1', 'https://openrouter.ai/api/v1/chat/completions'],
    ['https://h.example/x/chat/completions', 'https://h.example/x/chat/completions'],
    ['http://[::1]:8000/v1', 'http://[::1]:8000/v1/chat/completions'],
    ['https://a.example/x/../v1', 'https://a.example/v1/chat/completions'],
    ['https://a.example/../../v1/./', 'https://a.example/v1/chat/completions'],
    ['https://a.example//x///v1//', 'https://a.example/x/v1/chat/completions'],
    ['https://a.example/v1/..', 'https://a.example/v1/chat/completions'],
    ['https://A.Example:443/V1', 'https://a.example/V1/chat/completions'],
    ['https://a.example:8443/v1', 'https://a.example:8443/v1/chat/completions'],
    ['http://2130706433:80/v1', 'http://127.0.0.1/v1/chat/completions'],
    ['http://0x7f.1/v1', 'http://127.0.0.1/v1/chat/completions'],
  ])('%s is asked at %s', (url, asked) => {
    expect(endpointProblem(url)).toBeNull();
    expect(chatUrl(url)).toBe(asked);
    // What is shown and confirmed is asked at the very same place, and does not change once more.
    const shown = normalEndpoint(url);
    expect(endpointProblem(shown)).toBeNull();
    expect(normalEndpoint(shown)).toBe(shown);
    expect(chatUrl(shown)).toBe(asked);
    expect(new URL(asked).href).toBe(asked);
  });

  it.each([
    ['', /must be an address/],
    ['localhost:11434', /must be an address/],
    ['javascript:alert(1)', /must be an address/],
    ['data:text/plain,x', /must be an address/],
    ['file:///etc/passwd', /must be an address/],
    ['ftp://h.example/', /must be an address/],
    ['https://', /must be an address/],
    ['https://user:pass@h.example/v1', /no user and no password/],
    ['https://api.openai.com@evil.example/v1', /no user and no password/],
    ['https://h.example/v1?api-key=1', /no \? and no #/],
    ['https://h.example/v1#x', /no \? and no #/],
    ['https://h.example/v1?', /no \? and no #/],
    ['https://h.example\\@evil.example/', /no user|plain letters/],
    ['https://h.example/a b', /plain letters/],
    ['https://h.example/%61', /plain letters/],
    ['https://h.example/x/%2e%2e/v1', /plain letters/],
    ['https://h%2eexample/v1', /plain letters/],
    ['https://h.example/..%2fv1', /plain letters/],
    ['https://h.example/\u200bv1', /plain letters/],
    ['https:h.example/v1', /plain letters/],
    ['https:///h.example/v1', /plain letters/],
    ['https://h.example:99999/v1', /must be an address/],
    ['https://аpple.example/v1', /plain letters/],
    ['http:\n//h.example', /plain letters/],
    [' http://h.example', /plain letters/],
    [`https://h.example/${'a'.repeat(300)}`, /at most 300/],
  ])('%j is refused', (url, problem) => {
    expect(endpointProblem(url)).toMatch(problem);
  });

  it('may be 300 characters long', () => {
    const url = `http://h.example/${'x'.repeat(300 - 17)}`;
    expect(url).toHaveLength(300);
    expect(endpointProblem(url)).toBeNull();
    expect(endpointProblem(`${url}x`)).toMatch(/at most 300 characters/);
  });

  it('shows letters of other alphabets as they are called, and says so', () => {
    const url = 'https://xn--pple-43d.example/v1';
    expect(endpointProblem(url)).toBeNull();
    expect(endpointHost(url)).toBe('xn--pple-43d.example');
    expect(isInternational(url)).toBe(true);
    expect(isInternational('https://shop.XN--pple-43d.example/v1')).toBe(true);
    expect(isInternational('https://apple.example/xn--pple-43d')).toBe(false);
  });

  it('names the host that would be called, and knows what a page may call', () => {
    expect(endpointHost('http://localhost:11434/v1')).toBe('localhost:11434');
    expect(pageProblem('http://localhost:11434/v1')).toBeNull();
    expect(pageProblem('http://127.0.0.1/v1')).toBeNull();
    expect(pageProblem('https://h.example')).toBeNull();
    expect(pageProblem('https://[2001:db8::1]/v1')).toMatch(/must name its host/);
    expect(pageProblem('http://192.168.1.5:8000')).toMatch(/must begin with https:/);
    expect(pageProblem('http://localhost.evil.example')).toMatch(/must begin with https:/);
  });
});
