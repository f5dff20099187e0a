// Which photo this tab looks at, kept across its reloads; a browser that keeps nothing for pages forgets it.

const NAME = "firstlight-selected";

export function selection(): string | null {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null; // a browser that blocks cookies throws even at the name
  }
}

export function keepSelection(key: string | null): void {
  try {
    if (key === null) sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, key);
  } catch {
    // then a reload begins at the beginning
  }
}
