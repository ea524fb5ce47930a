// <key-commands off?><dialog>…<a data-go="s" href="…">…</dialog></key-commands>
// Ctrl-K always reaches the search. "/" searches, "g" and a letter goes, "j" and "k" walk the rows, "?" lists all this;
// single keys can be switched off.
const FOLLOW_MS = 1500;

class KeyCommands extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.heard = (event) => this.hear(event);
    addEventListener("keydown", this.heard);
  }
  disconnectedCallback() { removeEventListener("keydown", this.heard); }
  hear(event) {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      this.dialog?.close();
      this.search();
      return;
    }
    const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
    if (event.ctrlKey || event.metaKey || event.altKey || typing || this.hasAttribute("off")) return;
    if (this.going) {
      clearTimeout(this.going);
      this.going = null;
      this.querySelector(`[data-go="${CSS.escape(event.key)}"]`)?.click();
    } else if (event.key === "?") {
      event.preventDefault();
      if (!this.dialog.open) this.dialog.showModal();
    } else if (this.dialog?.open) return;
    else if (event.key === "g") this.going = setTimeout(() => { this.going = null; }, FOLLOW_MS);
    else if (event.key === "/") { event.preventDefault(); this.search(); }
    else if (event.key === "j" || event.key === "k") this.walk(event.key === "j" ? 1 : -1);
  }
  search() {
    const field = document.getElementById("search");
    field?.focus();
    field?.select();
  }
  walk(step) {
    const ways = [...document.querySelectorAll("main tbody tr")].map((row) => row.querySelector("a")).filter(Boolean);
    const row = document.activeElement?.closest("tr");
    const at = ways.findIndex((way) => way.closest("tr") === row);
    ways[Math.max(0, Math.min(ways.length - 1, at + step))]?.focus();
  }
}
customElements.define("key-commands", KeyCommands);
