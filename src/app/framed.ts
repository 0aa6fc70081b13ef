/**
 * What stands where a site of somebody else shows this page inside its own: nothing that could be pressed by mistake. A host that
 * sends our headers does not let it come to this (frame-ancestors).
 */
export function refuseFrame(): void {
  const sentence = document.createElement('p');
  const link = document.createElement('a');
  link.href = location.href;
  link.target = '_blank';
  link.rel = 'noopener';
  link.textContent = 'open it by itself';
  sentence.append(
    'taiji-lab does not work inside the page of another site, which could make you press what you do not see: ',
    link,
    '.',
  );
  document.querySelector('#app')!.replaceChildren(sentence);
}
