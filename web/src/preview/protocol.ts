// What the page and the worker that develops previews say to each other.

export interface Open {
  kind: "open";
  id: number;
  photo: Blob;
  canvas: OffscreenCanvas;
  /** Exposure ratio; null: as the model would choose. */
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

/** The preview is on its canvas. */
export interface Shown {
  kind: "shown";
  id: number;
  /** The ratio that `auto` comes to. */
  estimate: number;
  how: "gpu" | "cpu";
}

/** A small picture of the preview, for the history strip; told after it. */
export interface Thumbed {
  kind: "thumbed";
  id: number;
  thumb: Blob;
}

export interface Unshown {
  kind: "unshown";
  id: number;
}

export type Told = Shown | Thumbed | Unshown;
