// The page: what is looked at, what can be dropped where, and who is told.
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useDropzone } from "react-dropzone";
import type { Courier } from "./jobs/courier";
import { isUnderWay, type Job } from "./jobs/job";
import { keepSelection, selection } from "./jobs/selection";
import { take, takeShared, type Turned } from "./jobs/take";
import { ACCEPTED } from "./photo/kinds";
import { History } from "./parts/History";
import { Icon } from "./parts/Icon";
import { MachineChip } from "./parts/MachineChip";
import { Notices } from "./parts/Notices";
import { Welcome } from "./parts/Welcome";
import { Workbench } from "./parts/Workbench";
import type { Terms } from "./terms";
import { useOnline } from "./view/useOnline";
import { useWarmth } from "./view/useWarmth";
import { words } from "./words";

const SHARED = /^#([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$/;

export function App({ courier, terms }: { courier: Courier; terms: Terms }) {
  const { jobs: known, keeps } = useSyncExternalStore(courier.shelf.subscribe, courier.shelf.state);
  const { progress, reached } = useSyncExternalStore(courier.subscribe, courier.live);
  const [selected, setSelected] = useState<string | null>(selection);
  const [refused, setRefused] = useState<readonly Turned[]>([]);
  const { warmth, away, warm } = useWarmth(courier.shelf);
  const online = useOnline();
  const jobs = known.filter((each) => each.stage !== "withdrawn");
  const job = jobs.find((each) => each.key === selected);
  const underWay = jobs.some(isUnderWay);

  const select = useCallback((key: string | null) => {
    setSelected(key);
    keepSelection(key);
    if (location.hash) history.replaceState(null, "", location.pathname);
    globalThis.scrollTo({ top: 0 });
  }, []);

  const onFiles = useCallback(
    async (files: readonly File[]) => {
      setRefused([]);
      const taken = await take(files, courier, terms.largest);
      setRefused(taken.refused);
      if (taken.first) select(taken.first.key);
    },
    [courier, terms, select],
  );

  const { getRootProps, getInputProps, isDragActive, open } = useDropzone({
    noClick: true,
    noKeyboard: true,
    useFsAccessApi: false,
    onDrop: (files) => void onFiles(files),
    onDragEnter: () => { warm("pick"); },
    onFileDialogOpen: () => { warm("pick"); },
  });

  useEffect(() => {
    const paste = (event: ClipboardEvent): void => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length > 0) void onFiles(files);
    };
    document.addEventListener("paste", paste);
    return () => {
      document.removeEventListener("paste", paste);
    };
  }, [onFiles]);

  useEffect(() => {
    const follow = (): void => {
      const id = SHARED.exec(location.hash)?.[1];
      if (id) setSelected(takeShared(id, courier).key);
    };
    follow();
    globalThis.addEventListener("hashchange", follow);
    return () => {
      globalThis.removeEventListener("hashchange", follow);
    };
  }, [courier]);

  useEffect(() => {
    document.title = titleOf(job);
  }, [job]);

  const seen = useRef(selected);
  useEffect(() => {
    if (seen.current === selected) return;
    seen.current = selected;
    if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true }); // what had it is gone
  }, [selected]);

  useEffect(() => {
    const look = (): void => {
      courier.watch(document.visibilityState === "visible" ? selected : null);
    };
    look();
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
    };
  }, [courier, selected]);

  return (
    <div {...getRootProps({ className: "page", role: undefined, "data-dragging": isDragActive })}>
      <a className="skip" href="#main">{words.skip}</a>
      <header className="top">
        <button className="brand" onClick={() => { select(null); }}>
          <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="4" /></svg>
          {words.name}
        </button>
        <input {...getInputProps({ accept: ACCEPTED, "aria-label": words.welcome.pick, "aria-hidden": true, tabIndex: -1, id: "photos" })} />
        <MachineChip warmth={warmth} away={away && !(reached && underWay)} offline={!online} busy={underWay} />
      </header>
      <Notices offline={!online} away={online && !reached && underWay} owed={jobs.length < known.length && !(online && reached)} keeps={keeps} refused={refused} onClose={() => { setRefused([]); }} />
      <p className="unseen" role="status">{job?.status?.state === "done" ? words.progress.doneFor(nameOf(job)) : ""}</p>
      <main id="main" tabIndex={-1}>
        {job ? (
          <Workbench key={job.key} job={job} jobs={jobs} progress={progress.get(job.key) ?? null} courier={courier} onSelect={select} onPick={open} />
        ) : (
          <Welcome terms={terms} onPick={open} onFiles={(files) => void onFiles(files)} warm={warm} />
        )}
      </main>
      <div className="bottom">
        {jobs.length > 0 && <History jobs={jobs} progress={progress} courier={courier} selected={job?.key ?? null} onSelect={select} />}
        <footer className="foot">
          <a href="/docs">{words.footer.programs}</a>
          <a href="/form">{words.footer.plain}</a>
        </footer>
      </div>
      {isDragActive && (
        <div className="dropping" aria-hidden="true">
          <Icon name="photo" />
          <p>{words.drop.title}</p>
          <small>{words.drop.lead}</small>
        </div>
      )}
    </div>
  );
}

function nameOf(job: Job): string {
  return job.shared ? words.shared.title : job.name;
}

/** What the tab says of the photo in it, also when one looks elsewhere meanwhile. */
function titleOf(job: Job | undefined): string {
  if (!job) return words.tab.plain;
  const name = nameOf(job);
  if (isUnderWay(job)) return words.tab.underWay(name);
  return job.status?.state === "done" ? words.tab.done(name) : words.tab.other(name);
}
