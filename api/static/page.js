// Nothing here is needed: it starts a machine a little earlier, and spares the page its renewals.
"use strict";

function warm(intent) {
  fetch("/warm", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ intent }) })
    .catch(() => {});
}

async function follow(place) {
  const bar = place.querySelector("progress");
  let tag = "";
  for (;;) {
    try {
      const quick = bar.hasAttribute("value");
      const answer = await fetch(place.dataset.status + (quick ? "" : "?wait=20"), {
        headers: quick || !tag ? {} : { "If-None-Match": tag },
      });
      if (answer.status === 200) {
        const status = await answer.json();
        const changed = tag && answer.headers.get("ETag") !== tag;
        tag = answer.headers.get("ETag");
        if (status.phase === "enhancing") bar.value = status.progress;
        if (changed || !status.phase) return location.reload();
      } else if (answer.status === 404) {
        return location.reload();
      }
    } catch {
      // The service may be restarting; the next try tells.
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

const form = document.querySelector("[data-warm]");
if (form) {
  warm("view");
  form.querySelector("[type=file]").addEventListener("change", () => warm("pick"));
}
const place = document.querySelector("[data-status]");
if (place) follow(place);
