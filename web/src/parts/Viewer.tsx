// The photo before and after, divided by a handle, zoomed and moved as one; the result comes over the preview unseen.
import { useRef, useState, type CSSProperties, type RefObject } from "react";
import { useReactCompareSlider } from "react-compare-slider/hooks";
import { Handle, HandleRoot, Item, Provider, Root } from "react-compare-slider/components";
import type { Result } from "../api/shapes";
import { isUnderWay, type Job } from "../jobs/job";
import type { Original } from "../photo/useOriginal";
import type { Preview } from "../preview/usePreview";
import { useKeys } from "../view/useKeys";
import { useZoom } from "../view/useZoom";
import { layout } from "../view/zoom";
import { words } from "../words";
import { Icon } from "./Icon";
import { Tools } from "./Tools";

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
  const [held, setHeld] = useState(false);
  const [divide, setDivide] = useState(50);
  const [said, say] = useState<"nothing" | "zoom" | "divide" | "original">("nothing");
  const [opened, setOpened] = useState<string | null>(null);
  const [loaded, setLoaded] = useState<string | null>(null);
  const showable = result !== null && result.media_type !== "image/tiff";
  const hasResult = showable && loaded === result.url;
  const zoomed = zoom.look.scale > 1;
  const slider = useReactCompareSlider({
    defaultPosition: 50,
    onlyHandleDraggable: zoomed || matchMedia("(pointer: coarse)").matches, // a drag elsewhere moves the photo, or scrolls
    keyboardIncrement: "5%",
  });

  const laid = layout(zoom.look, zoom.stage, photo);
  const layer: CSSProperties = {
    width: laid.photo.width,
    height: laid.photo.height,
    transform: `translate(${laid.left}px, ${laid.top}px)`,
  };
  const window: CSSProperties = { width: laid.window.width, height: laid.window.height };
  const isReady = preview.shown !== null || hasResult;
  const opens = opened !== null && opened === original.url;
  const compares = original.url !== null && isReady;
  const showsResult = hasResult && !showsPreview;
  const label = showsResult ? words.stage.after : words.stage.preview;

  const look = (to: "in" | "out" | "fit" | "full"): void => {
    zoom.change(to);
    say("zoom");
  };
  const hold = (wanted: boolean): void => {
    if (wanted === held || (wanted && !compares)) return;
    setHeld(wanted);
    say("original");
  };
  useKeys({
    zoomed,
    change: look,
    pan: zoom.pan,
    divide: (by) => {
      slider.setPosition(slider.position.current + by);
      setDivide(Math.round(slider.position.current));
      say("divide");
    },
    hold,
  });
  const told = {
    nothing: "",
    zoom: words.stage.saidZoom(zoom.percent),
    divide: words.stage.saidDivide(divide),
    original: held ? words.stage.saidOriginal : words.stage.saidBright,
  }[said];

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
        data-zoomed={zoomed}
        data-close={zoom.percent >= 400}
        {...zoom.hands}
      >
        <p id="stage-keys" hidden>{words.stage.keys}</p>
        <Provider {...slider}>
          <Root className="window" style={window} data-held={held} data-shows={compares ? "both" : isReady ? "after" : opens ? "before" : "nothing"}>
            <Item item="itemOne" className="side">
              <div className="layer" style={layer}>
                {original.url && <img className="picture" src={original.url} alt={words.stage.original} draggable={false} onLoad={() => { setOpened(original.url); }} />}
              </div>
            </Item>
            <Item item="itemTwo" className="side bright">
              <div className="layer" style={layer}>
                <div className="picture canvas" ref={place} role="img" aria-label={words.stage.bright} aria-hidden={showsResult} data-how={preview.shown?.how} />
                {showable && (
                  <img
                    className="picture result"
                    src={result.url}
                    alt={words.stage.bright}
                    draggable={false}
                    aria-hidden={!showsResult}
                    data-shown={showsResult}
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
            {(compares || opens) && <span className="label before" aria-hidden="true">{words.stage.before}</span>}
            {isReady && <span className="label after" aria-hidden="true">{label}</span>}
          </Root>
        </Provider>
        {!isReady && !opens && (
          <p className="blank">
            <Icon name="photo" />
            {isUnderWay(job) || result ? (original.missing || preview.failed ? words.stage.noPreview : words.stage.opening) : words.stage.nothing}
          </p>
        )}
      </div>
      <Tools
        percent={zoom.percent}
        fits={zoom.look.scale === 1}
        onZoom={look}
        held={held}
        onHold={original.url === null ? null : hold}
        idle={!isReady}
      />
      <p className="unseen" role="status">{told}</p>
      {result && !showable && <p className="fine">{words.stage.noResult("tiff")}</p>}
    </div>
  );
}
