// The photo before and after, divided by a handle, zoomed and moved as one; the result comes over the preview unseen.
import { useEffect, useRef, useState, type CSSProperties, type RefObject } from "react";
import { useReactCompareSlider } from "react-compare-slider/hooks";
import { Handle, HandleRoot, Item, Provider, Root } from "react-compare-slider/components";
import type { Result } from "../api/shapes";
import { isUnderWay, type Job } from "../jobs/job";
import type { Original } from "../photo/useOriginal";
import type { Preview } from "../preview/usePreview";
import { useZoom } from "../view/useZoom";
import { layout } from "../view/zoom";
import { words } from "../words";
import { Icon } from "./Icon";

interface Props {
  job: Job;
  original: Original;
  /** Where the preview's canvas comes. */
  place: RefObject<HTMLDivElement | null>;
  preview: Preview;
  result: Result | null;
  /** Another exposure is being tried: the preview shows it, not the result. */
  showsPreview: boolean;
}

const BLANK = { width: 3, height: 2 };

export function Viewer({ job, original, place, preview, result, showsPreview }: Props) {
  const stage = useRef<HTMLDivElement>(null);
  const photo = job.width ? { width: job.width, height: job.height } : (original.source ?? BLANK);
  const zoom = useZoom(stage, photo);
  const [held, setHeld] = useHeld();
  const [loaded, setLoaded] = useState<string | null>(null);
  const showable = result && result.media_type !== "image/tiff";
  const hasResult = showable && loaded === result.url;
  const slider = useReactCompareSlider({ defaultPosition: 50, onlyHandleDraggable: true, keyboardIncrement: "5%" });

  const laid = layout(zoom.look, zoom.stage, photo);
  const layer: CSSProperties = {
    width: laid.photo.width,
    height: laid.photo.height,
    transform: `translate(${laid.left}px, ${laid.top}px)`,
  };
  const window: CSSProperties = { width: laid.window.width, height: laid.window.height };
  const isReady = preview.shown !== null || hasResult;
  const compares = original.url !== null && isReady;
  const label = hasResult && !showsPreview ? words.stage.after : words.stage.preview;

  return (
    <div className="viewer">
      <div
        className="stage"
        ref={stage}
        style={{ "--aspect": photo.width / photo.height } as CSSProperties}
        tabIndex={0}
        role="group"
        aria-label={words.stage.viewer}
        aria-describedby="stage-keys"
        data-zoomed={zoom.look.scale > 1}
        {...zoom.hands}
      >
        <p id="stage-keys" hidden>{words.stage.keys}</p>
        <Provider {...slider}>
          <Root className="window" style={window} data-held={held} data-compares={compares}>
            <Item item="itemOne" className="side">
              <div className="layer" style={layer}>
                {original.url && <img className="picture" src={original.url} alt={words.stage.original} draggable={false} />}
              </div>
            </Item>
            <Item item="itemTwo" className="side bright">
              <div className="layer" style={layer}>
                <div className="picture canvas" ref={place} role="img" aria-label={words.stage.bright} data-how={preview.shown?.how} />
                {showable && (
                  <img
                    className="picture result"
                    src={result.url}
                    alt={words.stage.bright}
                    draggable={false}
                    data-shown={hasResult && !showsPreview}
                    onLoad={({ currentTarget }) => {
                      const show = (): void => { setLoaded(result.url); };
                      currentTarget.decode().then(show, show); // decoded before it is shown, or a part of it would flash
                    }}
                  />
                )}
              </div>
            </Item>
            {compares && (
              <HandleRoot aria-label={words.stage.handle} className="handle-root">
                <Handle className="handle" />
              </HandleRoot>
            )}
            {compares && <span className="label before" aria-hidden="true">{words.stage.before}</span>}
            {isReady && <span className="label after" aria-hidden="true">{label}</span>}
          </Root>
        </Provider>
        {!isReady && (
          <p className="blank">
            <Icon name="photo" />
            {isUnderWay(job) || result ? (original.missing || preview.failed ? words.stage.noPreview : words.stage.opening) : words.stage.nothing}
          </p>
        )}
      </div>
      <div className="tools" role="toolbar" aria-label={words.stage.tools} hidden={!isReady}>
        <button className="icon" aria-label={words.stage.zoomOut} onClick={() => { zoom.change("out"); }}><Icon name="minus" /></button>
        <output aria-live="off">{words.stage.zoom(zoom.percent)}</output>
        <button className="icon" aria-label={words.stage.zoomIn} onClick={() => { zoom.change("in"); }}><Icon name="plus" /></button>
        <button className="icon wide" onClick={() => { zoom.change("full"); }}>{words.stage.full}</button>
        <button className="icon" aria-label={words.stage.fit} onClick={() => { zoom.change("fit"); }}><Icon name="fit" /></button>
        {original.url && (
          <button className="icon wide hold" aria-label={words.stage.hold} aria-pressed={held} {...holding(setHeld)}>
            <Icon name="eye" />
            <span className="long">{words.stage.hold}</span>
            <span className="short">{words.stage.originalShort}</span>
          </button>
        )}
      </div>
      {result && !showable && <p className="fine">{words.stage.noResult("tiff")}</p>}
    </div>
  );
}

/** Whether the original is held up, by its button or the key O. */
function useHeld(): [boolean, (held: boolean) => void] {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    const key = (event: KeyboardEvent): void => {
      const typing = event.target instanceof HTMLElement && event.target.matches("input:not([type=range]), select, textarea");
      if (event.key.toLowerCase() === "o" && !typing && !event.ctrlKey && !event.metaKey) setHeld(event.type === "keydown");
    };
    const release = (): void => { setHeld(false); };
    document.addEventListener("keydown", key);
    document.addEventListener("keyup", key);
    globalThis.addEventListener("blur", release);
    return () => {
      document.removeEventListener("keydown", key);
      document.removeEventListener("keyup", key);
      globalThis.removeEventListener("blur", release);
    };
  }, []);
  return [held, setHeld];
}

function holding(setHeld: (held: boolean) => void) {
  const down = (): void => { setHeld(true); };
  const up = (): void => { setHeld(false); };
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
