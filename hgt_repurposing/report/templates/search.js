"use strict";
// Shows the diseases whose name, id, candidates or evidence contain every word that is typed. Without it, the page is
// complete, and the browser's own search finds the same.
(function () {
  var box = document.getElementById("search"), field = document.getElementById("wanted"), said = document.getElementById("found");
  var all = Array.prototype.slice.call(document.querySelectorAll("details.disease"));
  function plain(text) { return text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase(); }
  var texts = all.map(function (each) { return plain(each.textContent); });
  function show() {
    var words = plain(field.value).split(/\s+/).filter(Boolean), count = 0;
    all.forEach(function (each, i) {
      var fits = words.every(function (word) { return texts[i].indexOf(word) >= 0; });
      each.hidden = !fits;
      if (fits) { count += 1; }
    });
    if (words.length && count <= 5) { all.forEach(function (each) { if (!each.hidden) { each.open = true; } }); }
    said.textContent = words.length ? count + " of " + all.length + " diseases" : "";
  }
  if (!field) { return; }
  box.hidden = false;
  field.addEventListener("input", show);
  show();
})();
