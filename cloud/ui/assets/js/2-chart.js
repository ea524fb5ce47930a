// <live-chart topic="overview"><div class="plot">…</div><details>…<tbody></tbody></details></live-chart>
// Download above the axis, upload mirrored below; the last five minutes, newest at the end; gaps stay gaps.
const WINDOW_S = 300;
const GAP_MS = 3500;
const TABLE_ROWS = 30;

class LiveChart extends HTMLElement {
  connectedCallback() {
    this.plot = this.querySelector(".plot");
    this.rows = this.querySelector("tbody");
    this.details = this.querySelector("details");
    this.data = [[], [], []];
    this.clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    if (window.uPlot && this.plot) this.draw();
    this.details?.addEventListener("toggle", () => this.tell());
    this.stop = listen(this.getAttribute("topic"), (reading) => this.take(reading));
  }
  take({ at_ms, down_bps, up_bps }) {
    const [at, down, up] = this.data;
    const last = at.at(-1);
    if (last !== undefined && at_ms / 1000 <= last) return;
    if (last !== undefined && at_ms - last * 1000 > GAP_MS) {
      at.push(last + 1); down.push(null); up.push(null);
    }
    at.push(at_ms / 1000); down.push(down_bps / 1e6); up.push(-up_bps / 1e6);
    while (at[0] < at.at(-1) - WINDOW_S - 5) for (const column of this.data) column.shift();
    this.chart?.setData(this.data);
    this.tell();
  }
  // The same readings as a table, newest first, while somebody reads it.
  tell() {
    if (!this.details?.open) return;
    const [at, down, up] = this.data;
    const rows = [];
    for (let n = at.length - 1; n >= 0 && rows.length < TABLE_ROWS; n -= 1) {
      if (down[n] === null) continue;
      const row = document.createElement("tr");
      [this.clock.format(at[n] * 1000), inMbit(down[n] * 1e6), inMbit(up[n] * 1e6)].forEach((text, column) => {
        const cell = document.createElement("td");
        cell.textContent = text;
        cell.dataset.label = this.rows.dataset[["at", "down", "up"][column]];
        if (column) cell.className = "num";
        row.append(cell);
      });
      rows.push(row);
    }
    this.rows.replaceChildren(...rows);
  }
  // A token's colour as the theme of the moment resolves it.
  ink(name) { return getComputedStyle(this.querySelector(`[data-ink="${name}"]`)).color; }
  draw() {
    const line = (name) => ({
      stroke: () => this.ink(name), fill: () => this.ink(name + "-area"), width: 1.5, points: { show: false },
    });
    const font = "12px " + getComputedStyle(this).fontFamily;
    const axis = { stroke: () => this.ink("text"), font, ticks: { show: false } };
    const grid = { stroke: () => this.ink("grid"), width: 1 };
    const height = () => this.plot.clientHeight;
    this.chart = new window.uPlot({
      width: this.plot.clientWidth, height: height(), legend: { show: false }, cursor: { show: false },
      padding: [12, 64, 0, 0],
      scales: {
        x: { range: (chart, min, max) => [(max ?? Date.now() / 1000) - WINDOW_S, max ?? Date.now() / 1000] },
        y: { range: (chart, min, max) => [Math.min(0, min ?? 0) * 1.1, Math.max(max ?? 0, -(min ?? 0) / 3, 1) * 1.1] },
      },
      series: [{}, line("down"), line("up")],
      axes: [
        { ...axis, grid: { show: false }, size: 28, space: 72, incrs: [10, 30, 60, 120], values: (chart, ticks) => {
          const whole = ticks.every((at) => at % 60 === 0);
          return ticks.map((at) => this.clock.format(at * 1000).slice(0, whole ? 5 : 8));
        } },
        { ...axis, grid, size: 48, space: 36, values: (chart, ticks) => ticks.map((value) => mbit.fine.format(Math.abs(value))) },
      ],
      hooks: { draw: [(chart) => this.finish(chart)] },
    }, this.data, this.plot);
    new ResizeObserver(() => this.chart.setSize({ width: this.plot.clientWidth, height: height() })).observe(this.plot);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.chart.redraw());
  }
  // The zero line, and each series' last value at its end.
  finish(chart) {
    const { ctx, bbox } = chart;
    const ratio = devicePixelRatio;
    ctx.save();
    const zero = Math.round(chart.valToPos(0, "y", true));
    ctx.strokeStyle = this.ink("zero");
    ctx.lineWidth = ratio;
    ctx.beginPath(); ctx.moveTo(bbox.left, zero); ctx.lineTo(bbox.left + bbox.width, zero); ctx.stroke();
    ctx.font = `500 ${13 * ratio}px ${getComputedStyle(this).fontFamily}`;
    ctx.textAlign = "start";
    const [, down, up] = this.data;
    for (const [name, value, side] of [["down", down.at(-1), -1], ["up", up.at(-1), 1]]) {
      if (value === undefined || value === null) continue;
      ctx.fillStyle = this.ink(name);
      ctx.textBaseline = side < 0 ? "bottom" : "top";
      const y = side < 0 ? Math.min(chart.valToPos(value, "y", true) + 6 * ratio, zero - ratio) : Math.max(chart.valToPos(value, "y", true) - 6 * ratio, zero + 3 * ratio);
      ctx.fillText(inMbit(value * 1e6), bbox.left + bbox.width + 6 * ratio, y);
    }
    ctx.restore();
  }
  disconnectedCallback() { this.stop?.(); this.chart?.destroy(); }
}
customElements.define("live-chart", LiveChart);
