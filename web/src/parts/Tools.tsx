// Below the photo: how close one looks, and the original while it is held.
import { words } from "../words";
import { Icon } from "./Icon";

interface Props {
  percent: number;
  /** The whole photo is seen. */
  fits: boolean;
  onZoom: (to: "in" | "out" | "fit" | "full") => void;
  held: boolean;
  /** Null where there is no original to show. */
  onHold: ((held: boolean) => void) | null;
  /** Nothing to look at yet; the place is kept. */
  idle: boolean;
}

export function Tools({ percent, fits, onZoom, held, onHold, idle }: Props) {
  return (
    <div className="tools" role="toolbar" aria-label={words.stage.tools} data-idle={idle}>
      <div className="group">
        <button className="icon" aria-label={words.stage.zoomOut} onClick={() => { onZoom("out"); }}><Icon name="minus" /></button>
        <output aria-live="off">{words.stage.zoom(percent)}</output>
        <button className="icon" aria-label={words.stage.zoomIn} onClick={() => { onZoom("in"); }}><Icon name="plus" /></button>
      </div>
      <div className="group">
        <button className="icon" aria-label={words.stage.fitLong} aria-pressed={fits} onClick={() => { onZoom("fit"); }}>{words.stage.fit}</button>
        <button className="icon" aria-pressed={!fits && percent === 100} onClick={() => { onZoom("full"); }}>{words.stage.full}</button>
      </div>
      {onHold && (
        <div className="group">
          <button className="icon hold" aria-label={words.stage.hold} aria-pressed={held} {...holding(onHold)}>
            <Icon name="eye" />
            <span className="long">{words.stage.hold}</span>
            <span className="short">{words.stage.originalShort}</span>
          </button>
        </div>
      )}
    </div>
  );
}

function holding(onHold: (held: boolean) => void) {
  const down = (): void => { onHold(true); };
  const up = (): void => { onHold(false); };
  const isPress = ({ key }: { key: string }): boolean => key === " " || key === "Enter";
  return {
    onPointerDown: down,
    onPointerUp: up,
    onPointerLeave: up,
    onPointerCancel: up,
    onBlur: up,
    onContextMenu: (event: { preventDefault: () => void }) => { event.preventDefault(); },
    onKeyDown: (event: { key: string }) => { if (isPress(event)) down(); },
    onKeyUp: (event: { key: string }) => { if (isPress(event)) up(); },
  };
}
