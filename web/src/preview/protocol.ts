// What the page and the worker that develops previews say to each other.

export interface Open {
  kind: "open";
  id: number;
  photo: Blob;
  /** Pixels of the preview. */
  width: number;
  height: number;
  canvas: OffscreenCanvas;
  /** Exposure ratio; null: as estimated. */
  ratio: number | null;
}

export interface Expose {
  kind: "expose";
  id: number;
  ratio: number | null;
}

export interface Close {
  kind: "close";
  id: number;
}

export type Asked = Open | Expose | Close;

/** The preview is on its canvas; `thumb` is a small picture of it for the history strip. */
export interface Shown {
  kind: "shown";
  id: number;
  estimate: number;
  how: "gpu" | "cpu";
  thumb: Blob;
}

export interface Unshown {
  kind: "unshown";
  id: number;
}

export type Told = Shown | Unshown;
