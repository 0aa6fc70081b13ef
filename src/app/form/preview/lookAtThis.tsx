/** Marks what the files themselves do not decide. */
export function LookAtThis() {
  return <span class="chip look">look at this</span>;
}
