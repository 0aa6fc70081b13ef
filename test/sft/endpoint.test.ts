import { describe, expect, it } from 'vitest';
import { chatUrl, endpointHost, endpointProblem, isReachableFromPage } from '../../src/sft/endpoint';

describe('the address of an endpoint', () => {
  it.each([
    ['http://localhost:11434', 'http://localhost:11434/v1/chat/completions'],
    ['http://localhost:11434/', 'http://localhost:11434/v1/chat/completions'],
    ['http://127.0.0.1:8080/v1', 'http://127.0.0.1:8080/v1/chat/completions'],
    ['https://api.openai.com/v1/', 'https://api.openai.com/v1/chat/completions'],
    ['https://openrouter.ai/api/v1', 'https://openrouter.ai/api/v1/chat/completions'],
    ['https://h.example/x/chat/completions', 'https://h.example/x/chat/completions'],
    ['http://[::1]:8000/v1', 'http://[::1]:8000/v1/chat/completions'],
  ])('%s is asked at %s', (url, asked) => {
    expect(endpointProblem(url)).toBeNull();
    expect(chatUrl(url)).toBe(asked);
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

  it('names the host that would be called, and knows what a page may call', () => {
    expect(endpointHost('http://localhost:11434/v1')).toBe('localhost:11434');
    expect(isReachableFromPage('http://localhost:11434/v1')).toBe(true);
    expect(isReachableFromPage('http://127.0.0.1/v1')).toBe(true);
    expect(isReachableFromPage('https://h.example')).toBe(true);
    expect(isReachableFromPage('http://192.168.1.5:8000')).toBe(false);
    expect(isReachableFromPage('http://localhost.evil.example')).toBe(false);
  });
});
