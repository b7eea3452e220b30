// The review page by keyboard: one key for each decision, digits for its reasons, Enter records, j leaves it open.
// Without this file the page does the same by Tab, Space and Enter. Keys can be turned off; the browser remembers it.
"use strict";

(function () {
    const form = document.querySelector("[data-review]");
    if (!form) {
        return;
    }
    const OFF = "homecare.review.keys";
    const hint = form.querySelector(".wp-keys");
    const toggle = form.querySelector("[data-keys-toggle]");

    function areOff() {
        return localStorage.getItem(OFF) === "off";
    }

    function show() {
        hint.hidden = false;
        toggle.textContent = areOff() ? "Keys are off" : "Keys are on";
        toggle.setAttribute("aria-pressed", String(!areOff()));
        form.classList.toggle("wp-without-keys", areOff());
    }

    function isWriting(element) {
        return element.matches("textarea, select, input:not([type=radio]):not([type=checkbox]):not([type=hidden])");
    }

    function chosenOption() {
        const radio = form.querySelector("input[name=decision]:checked");
        return radio && radio.closest(".wp-option");
    }

    function choose(radio) {
        radio.checked = true;
        radio.dispatchEvent(new Event("change", { bubbles: true }));
        radio.focus();
    }

    function chooseReason(number) {
        const option = chosenOption();
        const radio = option && option.querySelectorAll(".wp-chip input")[number - 1];
        if (radio) {
            choose(radio);
        }
        return Boolean(radio);
    }

    function obey(key) {
        const beside = form.querySelector("[data-key='" + CSS.escape(key) + "']");
        if (beside && beside.tagName === "A") {
            beside.click();
        } else if (beside) {
            choose(beside);
            const field = beside.value === "correct" && beside.closest(".wp-option").querySelector(".wp-fields input");
            if (field) {
                field.focus();
                field.select();
            }
        } else if (key === "w") {
            form.querySelector("textarea[name=reason]").focus();
        } else if (key === "Enter") {
            form.requestSubmit();
        } else {
            return /^[1-9]$/.test(key) && chooseReason(Number(key));
        }
        return true;
    }

    document.addEventListener("keydown", function (event) {
        const target = event.target;
        if (event.key === "Escape" && form.contains(target) && isWriting(target)) {
            target.blur();
            return;
        }
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form.contains(target)) {
            form.requestSubmit();
            return;
        }
        const isElsewhere = target.closest("a, button, summary, select") || isWriting(target);
        if (areOff() || isElsewhere || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) {
            return;
        }
        if (obey(event.key)) {
            event.preventDefault();
        }
    });

    toggle.addEventListener("click", function () {
        localStorage.setItem(OFF, areOff() ? "on" : "off");
        show();
    });

    form.addEventListener("submit", function () {
        form.querySelectorAll("button[type=submit]").forEach((button) => button.setAttribute("aria-disabled", "true"));
    });

    show();
})();
