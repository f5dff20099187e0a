// What this service takes and keeps, as it wrote it into the page.

export interface Terms {
  /** Bytes of the largest photo. */
  largest: number;
  /** Seconds that a result is kept. */
  kept: number;
  /** Whether photos may go straight into the store. */
  direct: boolean;
}

const LAPTOP: Terms = { largest: 100_000_000, kept: 86_400, direct: false };

/** The terms in the page's head; the laptop's where a development server wrote none. */
export function terms(page: Document): Terms {
  const written = page.querySelector<HTMLMetaElement>('meta[name="firstlight-terms"]')?.content;
  return written ? (JSON.parse(written) as Terms) : LAPTOP;
}
