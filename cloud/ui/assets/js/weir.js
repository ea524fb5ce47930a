// Custom elements of the staff screens. Light DOM; the page reads well without them.
const topics = new Map();
let stream = null;

// One EventSource per page: elements register a topic, the stream opens once all have.
function listen(topic, handler) {
  if (!topics.has(topic)) topics.set(topic, new Set());
  topics.get(topic).add(handler);
  queueMicrotask(open);
  return () => topics.get(topic).delete(handler);
}
function open() {
  const wanted = [...topics.keys()].sort().join(",");
  if (!wanted || stream?.wanted === wanted) return;
  stream?.source.close();
  const source = new EventSource("/live?topics=" + encodeURIComponent(wanted));
  stream = { source, wanted };
  for (const [topic, handlers] of topics) {
    source.addEventListener(topic, (event) => {
      const reading = JSON.parse(event.data);
      for (const handler of handlers) handler(reading);
    });
  }
}

// <live-number topic="overview" key="down_bps" stale="paused">…</live-number>
class LiveNumber extends HTMLElement {
  connectedCallback() {
    const format = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
    this.stop = listen(this.getAttribute("topic"), (reading) => {
      this.seen = Date.now();
      delete this.dataset.stale;
      this.removeAttribute("title");
      this.textContent = format.format(reading[this.getAttribute("key")] / 1e6);
    });
    this.timer = setInterval(() => {
      if (this.seen && Date.now() - this.seen > 5000) {
        this.dataset.stale = "";
        this.title = `${this.getAttribute("stale")} ${Math.round((Date.now() - this.seen) / 1000)} s`;
      }
    }, 1000);
  }
  disconnectedCallback() { this.stop?.(); clearInterval(this.timer); }
}

// <live-chart topic="overview" down="Download" up="Upload">: download above the axis, upload below.
class LiveChart extends HTMLElement {
  connectedCallback() {
    if (!window.uPlot) return;
    const css = getComputedStyle(document.documentElement);
    const data = [[], [], []];
    const chart = new window.uPlot({
      width: this.clientWidth || 600, height: 208,
      scales: { y: { range: (_, min, max) => [Math.min(0, min), Math.max(1, max)] } },
      series: [{}, { label: this.getAttribute("down"), stroke: css.getPropertyValue("--chart-down") || "#36c" },
        { label: this.getAttribute("up"), stroke: "#888" }],
      axes: [{}, { values: (_, ticks) => ticks.map((tick) => Math.abs(tick)) }],
    }, data, this);
    this.stop = listen(this.getAttribute("topic"), (reading) => {
      data[0].push(reading.at_ms / 1000);
      data[1].push(reading.down_bps / 1e6);
      data[2].push(-reading.up_bps / 1e6);
      if (data[0].length > 600) for (const column of data) column.shift();
      chart.setData(data);
    });
  }
  disconnectedCallback() { this.stop?.(); }
}

// <copy-button for="id" done="Copied"><button type="button">Copy</button></copy-button>
class CopyButton extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", async (event) => {
      const button = event.target.closest("button");
      const source = document.getElementById(this.getAttribute("for"));
      if (!button || !source) return;
      await navigator.clipboard.writeText(source.textContent.trim());
      button.textContent = this.getAttribute("done");
    });
  }
}

// <key-commands off?>: "/" focuses search, g+letter follows [data-go], j/k walk table rows.
class KeyCommands extends HTMLElement {
  connectedCallback() {
    if (this.hasAttribute("off")) return;
    let going = false;
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input,select,textarea")) return;
      if (going) {
        going = false;
        document.querySelector(`[data-go="${CSS.escape(event.key)}"]`)?.click();
      } else if (event.key === "g") going = true;
      else if (event.key === "/") { event.preventDefault(); document.getElementById("search")?.focus(); }
      else if (event.key === "j" || event.key === "k") {
        const rows = [...document.querySelectorAll(".table tbody tr a:first-of-type")];
        const at = rows.indexOf(document.activeElement) + (event.key === "j" ? 1 : -1);
        rows[Math.max(0, Math.min(rows.length - 1, at))]?.focus();
      }
    });
  }
}

// <confirm-dialog for="dialog-id"><a href="…">…</a></confirm-dialog>: opens the dialog instead of the link.
class ConfirmDialog extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      const dialog = document.getElementById(this.getAttribute("for"));
      if (!dialog) return;
      event.preventDefault();
      dialog.showModal();
    });
  }
}

for (const [name, element] of Object.entries({
  "live-number": LiveNumber, "live-chart": LiveChart, "copy-button": CopyButton,
  "key-commands": KeyCommands, "confirm-dialog": ConfirmDialog,
})) customElements.define(name, element);
