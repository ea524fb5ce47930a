// Custom elements of the staff screens. Light DOM; the page reads well without them.
// This file: this second's rates as they arrive. One EventSource a page.
const topics = new Map();
let stream = null;

// Elements register a topic; the stream opens once all have. Samples have none.
function listen(topic, handler) {
  if (!topic) return () => {};
  if (!topics.has(topic)) topics.set(topic, new Set());
  topics.get(topic).add(handler);
  queueMicrotask(open);
  return () => topics.get(topic).delete(handler);
}
function open() {
  const wanted = [...topics.keys()].sort().join(",");
  if (!wanted || document.hidden || stream?.wanted === wanted) return;
  stream?.source.close();
  // The portal has a stream of its own.
  const address = document.querySelector("[data-live]")?.dataset.live || "/live";
  const source = new EventSource(address + "?topics=" + encodeURIComponent(wanted));
  stream = { source, wanted };
  for (const [topic, handlers] of topics) {
    source.addEventListener(topic, (event) => {
      const reading = JSON.parse(event.data);
      for (const handler of handlers) handler(reading);
    });
  }
}
// A browser has few connections to a host: a page nobody sees gives its own back.
function close() { stream?.source.close(); stream = null; }
document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => { if (event.persisted) open(); });

// The reader's language with Latin digits, as the server writes them.
const locale = document.documentElement.lang + "-u-nu-latn";
const mbit = {
  fine: new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }),
  coarse: new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }),
};
function inMbit(bps) {
  const value = Math.abs(bps) / 1e6;
  return (value < 10 ? mbit.fine : mbit.coarse).format(value);
}

// <live-number topic="overview" key="down_bps">–</live-number>: in Mbit/s; the unit stands beside it, once.
class LiveNumber extends HTMLElement {
  connectedCallback() {
    this.stop = listen(this.getAttribute("topic"), (reading) => {
      this.textContent = inMbit(reading[this.getAttribute("key")]);
    });
  }
  disconnectedCallback() { this.stop?.(); }
}

// <live-state topic="overview" live="Live" stale="paused for" class="status mute">waiting</live-state>
class LiveState extends HTMLElement {
  connectedCallback() {
    const area = this.closest("[data-live]");
    this.stop = listen(this.getAttribute("topic"), () => {
      this.seen = Date.now();
      this.say("ok", this.getAttribute("live"));
      if (area) area.hidden = false;
      delete area?.dataset.stale;
    });
    this.timer = setInterval(() => {
      const seconds = Math.round((Date.now() - this.seen) / 1000);
      if (!this.seen || seconds < 5) return;
      this.say("warn", `${this.getAttribute("stale")} ${seconds} s`);
      if (area) area.dataset.stale = "";
    }, 1000);
  }
  say(tone, words) {
    this.className = "status " + tone;
    if (this.textContent !== words) this.textContent = words;
  }
  disconnectedCallback() { this.stop?.(); clearInterval(this.timer); }
}
customElements.define("live-number", LiveNumber);
customElements.define("live-state", LiveState);
