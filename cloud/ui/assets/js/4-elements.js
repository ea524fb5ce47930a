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
customElements.define("copy-button", CopyButton);
customElements.define("confirm-dialog", ConfirmDialog);
