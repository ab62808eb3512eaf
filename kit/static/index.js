// Ask every two seconds how things stand, and show it.
"use strict";

const at = (id) => document.getElementById(id);

function line(list, state, words, detail) {
  const item = document.createElement("li");
  item.className = state;
  const name = document.createElement("b");
  name.textContent = words;
  item.append(name, " " + detail);
  list.append(item);
}

function show(status) {
  at("version").textContent = status.version;
  const found = Object.entries(status.dependencies);
  const down = found.filter(([, state]) => state.status !== "up").map(([name]) => name);
  at("overall").textContent = down.length ? `Not reachable: ${down.join(", ")}.` : "All is well.";
  at("overall").className = down.length ? "down" : "up";
  at("dependencies").replaceChildren();
  for (const [name, state] of found) {
    const detail = state.status === "up" ? `${state.latency_ms.toFixed(1)} ms` : state.error;
    line(at("dependencies"), state.status, name, detail);
  }
  const waiting = status.outbox;
  at("outbox").textContent = waiting === null
    ? ""
    : waiting.waiting === 0
      ? "No event waits in the outbox."
      : `Events that wait in the outbox: ${waiting.waiting > 10000 ? "more than 10 000" : waiting.waiting}, the oldest for ${Math.round(waiting.oldest_seconds)} s.`;
  at("logins").hidden = status.logins.length === 0;
  const list = at("logins").querySelector("ul");
  list.replaceChildren();
  for (const login of status.logins) line(list, "login", login, "");
}

async function look() {
  try {
    const response = await fetch("/status", { cache: "no-store", signal: AbortSignal.timeout(8000) });
    show(await response.json());
  } catch {
    at("dependencies").replaceChildren();
    at("outbox").textContent = "";
    at("overall").textContent = "This service does not answer.";
    at("overall").className = "down";
  }
  setTimeout(look, 2000);
}

look();
