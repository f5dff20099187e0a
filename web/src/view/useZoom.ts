// Zooming and panning by wheel, pointer and two fingers; the arithmetic is zoom.ts's, the keys are useKeys.ts's.
import { useEffect, useEffectEvent, useRef, useState, type PointerEvent, type RefObject } from "react";
import { bounded, fullScale, panned, WHOLE, zoomed, type Look, type Size } from "./zoom";

const WHEEL = 0.0016;
const STEP = 1.5;

interface Zoom {
  stage: Size;
  look: Look;
  /** Per cent of the photo's own pixels. */
  percent: number;
  change: (to: "in" | "out" | "fit" | "full") => void;
  /** Moves the photo by stage pixels, as if taken by hand. */
  pan: (dx: number, dy: number) => void;
  /** For the element that shows the photo. */
  hands: {
    onPointerDown: (event: PointerEvent) => void;
    onPointerMove: (event: PointerEvent) => void;
    onPointerUp: (event: PointerEvent) => void;
    onPointerCancel: (event: PointerEvent) => void;
    onDoubleClick: (event: { clientX: number; clientY: number }) => void;
  };
}

export function useZoom(element: RefObject<HTMLElement | null>, photo: Size): Zoom {
  const [stage, setStage] = useState<Size>({ width: 0, height: 0 });
  const [look, setLook] = useState<Look>(WHOLE);
  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const ready = stage.width > 0 && photo.width > 0;
  const full = ready ? fullScale(stage, photo, globalThis.devicePixelRatio) : 1;

  useEffect(() => {
    const seen = element.current;
    if (!seen) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setStage({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    observer.observe(seen);
    return () => {
      observer.disconnect();
    };
  }, [element]);

  const zoomBy = (factor: number, clientX?: number, clientY?: number): void => {
    const box = element.current?.getBoundingClientRect();
    if (!ready || !box) return;
    const dx = clientX === undefined ? 0 : clientX - box.left - box.width / 2;
    const dy = clientY === undefined ? 0 : clientY - box.top - box.height / 2;
    setLook((before) => zoomed(before, factor, { dx, dy }, stage, photo));
  };
  const zoom = useEffectEvent(zoomBy);

  useEffect(() => {
    const seen = element.current;
    const wheel = (event: WheelEvent): void => {
      event.preventDefault(); // React listens passively, and then the page would scroll as well
      zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 20 : 1) * WHEEL * (event.ctrlKey ? 4 : 1)), event.clientX, event.clientY);
    };
    seen?.addEventListener("wheel", wheel, { passive: false });
    return () => seen?.removeEventListener("wheel", wheel);
  }, [element]);

  const pan = (dx: number, dy: number): void => {
    if (ready) setLook((before) => panned(before, dx, dy, stage, photo));
  };
  const change = (to: "in" | "out" | "fit" | "full"): void => {
    if (to === "fit") setLook(WHOLE);
    else if (to === "full") setLook((before) => (ready ? bounded({ ...before, scale: full }, stage, photo) : before));
    else zoomBy(to === "in" ? STEP : 1 / STEP);
  };

  return {
    stage,
    look: ready ? bounded(look, stage, photo) : look,
    percent: Math.round((100 * look.scale) / full),
    change,
    pan,
    hands: {
      onPointerDown(event) {
        if (event.button !== 0 || (event.target as Element).closest('[role="slider"]')) return; // the handle has its own hands
        pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
        event.currentTarget.setPointerCapture(event.pointerId);
      },
      onPointerMove(event) {
        const before = pointers.current.get(event.pointerId);
        if (!before) return;
        const now = { x: event.clientX, y: event.clientY };
        const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
        pointers.current.set(event.pointerId, now);
        if (other) {
          const apart = Math.hypot(before.x - other.x, before.y - other.y);
          if (apart > 0) zoomBy(Math.hypot(now.x - other.x, now.y - other.y) / apart, (now.x + other.x) / 2, (now.y + other.y) / 2);
        }
        const share = other ? 0.5 : 1;
        pan((now.x - before.x) * share, (now.y - before.y) * share);
      },
      onPointerUp(event) {
        pointers.current.delete(event.pointerId);
      },
      onPointerCancel(event) {
        pointers.current.delete(event.pointerId);
      },
      onDoubleClick({ clientX, clientY }) {
        if (look.scale > 1) setLook(WHOLE);
        else zoomBy(Math.max(full, 2), clientX, clientY);
      },
    },
  };
}
