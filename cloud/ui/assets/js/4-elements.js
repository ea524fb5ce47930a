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

// <confirm-dialog><form>…</form><dialog>…<button data-yes>…</dialog></confirm-dialog>: asks before the form is sent.
// Without JavaScript the form is simply sent.
class ConfirmDialog extends HTMLElement {
  connectedCallback() {
    const [form, dialog] = [this.querySelector("form"), this.querySelector("dialog")];
    form?.addEventListener("submit", (event) => {
      if (dialog.returnValue === "yes") return;
      event.preventDefault();
      dialog.showModal();
    });
    dialog?.addEventListener("close", () => { if (dialog.returnValue === "yes") form.requestSubmit(); });
  }
}

// <form>…<button name="do" value="preview"><live-preview>…</live-preview></form>: while the form is filled in, asks for the page
// its preview button leads to, and shows what that has in this place. Without JavaScript the button does.
class LivePreview extends HTMLElement {
  connectedCallback() {
    const form = this.closest("form");
    form?.addEventListener("input", () => { clearTimeout(this.wait); this.wait = setTimeout(() => this.look(form), 400); });
  }
  async look(form) {
    this.asked?.abort();
    this.asked = new AbortController();
    const body = new URLSearchParams(new FormData(form));
    body.set("do", "preview");
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body, signal: this.asked.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const shown = page.querySelector("live-preview");
      if (shown) this.replaceChildren(...shown.childNodes);
    } catch { /* Another look is on its way, or the next one will tell. */ }
  }
}
customElements.define("copy-button", CopyButton);
customElements.define("confirm-dialog", ConfirmDialog);
customElements.define("live-preview", LivePreview);
