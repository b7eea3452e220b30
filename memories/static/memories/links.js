// Offers the memories that hold the words typed so far. The words go into a body, never into an address.
for (const form of document.querySelectorAll("form[data-linkable]")) {
    const words = form.querySelector("input[type=search]");
    const list = form.querySelector("select[name=target]");
    const told = form.querySelector("[data-told]");
    let waiting = 0;

    async function offer() {
        const body = new FormData();
        body.append("words", words.value);
        body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
        const asked = words.value;
        const answer = await fetch(form.dataset.linkable, { method: "POST", body });
        if (asked !== words.value) return;
        if (!answer.ok) {
            told.textContent = "This could not be looked up: try again.";
            return;
        }
        const { offered } = await answer.json();
        list.replaceChildren(...offered.map((memory) => new Option(memory.text, memory.id)));
        told.textContent = offered.length ? "" : "No memory of this patient holds these words.";
    }

    form.querySelector("[data-needs-script]").hidden = false;
    words.addEventListener("input", () => {
        clearTimeout(waiting);
        waiting = setTimeout(offer, 200);
    });
    words.addEventListener("keydown", (event) => {
        if (event.key === "Enter") event.preventDefault();
    });
}
