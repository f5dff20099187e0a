// Puts the page together: the shelf of photos, the courier that brings them, and what one sees.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { Courier } from "./jobs/courier";
import { Shelf } from "./jobs/shelf";
import { Crash } from "./parts/Crash";
import { warmPreviews } from "./preview/usePreview";
import "./styles/page.css";
import { terms } from "./terms";

const known = terms(document);
const shelf = new Shelf();
const courier = new Courier(shelf, known.direct);
const queries = new QueryClient();

await shelf.open();
courier.resume();
for (const event of ["online", "pageshow", "focus"]) globalThis.addEventListener(event, () => { courier.wakeUp(); });

const place = document.getElementById("page");
if (place) {
  createRoot(place).render(
    <Crash>
      <QueryClientProvider client={queries}>
        <App courier={courier} terms={known} />
      </QueryClientProvider>
    </Crash>,
  );
}
warmPreviews();
