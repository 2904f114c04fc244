// The page without leaving it: the same form is sent, and the server's own answer is put in place.
"use strict";

const part = (id) => document.getElementById(id);
const form = part("ask");
if (form) start();

function start() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const [file] = part("image").files;
    if (file) send(file, file.name);
  });
  dropping();
  if (part("pad")) drawing(part("pad"));
}

let shown = null; // the address of the picture that was sent last, within this page
let sending = 0;

async function send(picture, name) {
  const mine = ++sending;
  const body = new FormData();
  body.append("image", picture, name);
  if (part("save").checked) body.append("save", "true");
  const result = part("result");
  if (shown) URL.revokeObjectURL(shown);
  shown = URL.createObjectURL(picture);
  result.setAttribute("aria-busy", "true");
  const frame = result.querySelector(".frame");
  if (frame) {
    frame.replaceChildren(image(shown));
    frame.parentNode.classList.remove("none");
  }
  let fresh;
  try {
    const answer = await fetch(form.action, { method: "POST", body });
    fresh = await read(answer);
  } catch {
    fresh = { problem: problem("the server cannot be reached", "Is pixshelf serve still running?") };
  }
  if (mine !== sending) return; // a later picture was sent meanwhile
  result.removeAttribute("aria-busy");
  if (fresh.problem) {
    result.replaceChildren(result.querySelector("h2"), fresh.problem);
    return result.scrollIntoView({ block: "nearest" });
  }
  if (!fresh.page.getElementById("result")) return location.reload(); // the token is wanted again
  for (const id of ["headline", "result", "recent"]) {
    const told = fresh.page.getElementById(id);
    if (told.hidden) continue; // the dataset is away: what was known stays
    part(id).replaceChildren(...told.childNodes);
    part(id).hidden = false;
  }
  const unkept = result.querySelector(".frame[data-sent]");
  if (unkept) unkept.replaceChildren(image(shown));
  result.scrollIntoView({ block: "nearest" }); // on a phone it is below the drawing area
}

async function read(answer) {
  const text = await answer.text();
  if ((answer.headers.get("content-type") || "").startsWith("text/html")) {
    return { page: new DOMParser().parseFromString(text, "text/html") };
  }
  let told = {};
  try {
    told = JSON.parse(text);
  } catch {
    told = { detail: "the server's answer makes no sense" };
  }
  return { problem: problem(told.detail, told.hint, `${answer.status} ${told.title || ""}`) };
}

function image(address) {
  const made = new Image();
  made.alt = "The image that was sent";
  made.addEventListener("load", () => made.classList.toggle("small", made.naturalWidth <= 96));
  made.addEventListener("error", () => made.replaceWith("no preview"));
  made.src = address;
  return made;
}

// What went wrong, what to do, and what programs call it, as the server would lay it out.
function problem(detail, hint, code) {
  const made = document.createElement("div");
  made.className = "problem";
  made.setAttribute("role", "alert");
  for (const [kind, text] of [["strong", detail], ["p", hint], ["small", code]]) {
    if (!text) continue;
    const line = document.createElement(kind);
    line.textContent = text;
    made.append(line);
  }
  return made;
}

function dropping() {
  const [title, kinds] = part("drop").children;
  title.textContent = "Drop an image here";
  kinds.prepend("or choose a file: ");
  const over = (on) => document.body.classList.toggle("dropping", on);
  addEventListener("dragover", (event) => {
    event.preventDefault();
    over(true);
  });
  addEventListener("dragleave", (event) => event.relatedTarget || over(false));
  addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    const [file] = event.dataTransfer.files;
    if (!file) return;
    const one = new DataTransfer();
    one.items.add(file);
    part("image").files = one.files;
    send(file, file.name);
  });
}

function drawing(pad) {
  const style = Object.fromEntries(Object.entries(pad.dataset).map(([key, value]) => [key, Number(value)]));
  const pen = pad.getContext("2d", { alpha: false });
  const [paper, ink] = style.dark ? ["#000", "#fff"] : ["#fff", "#000"];
  const thick = (pad.width * style.pen) / (style.box * Math.min(style.width, style.height));
  let strokes = [];
  let stroke = null;

  const wipe = () => {
    strokes = [];
    pen.fillStyle = paper;
    pen.fillRect(0, 0, pad.width, pad.height);
    part("clear").disabled = part("send").disabled = true;
  };
  const add = (event) => {
    const box = pad.getBoundingClientRect();
    stroke.push([
      ((event.clientX - box.left) / box.width) * pad.width,
      ((event.clientY - box.top) / box.height) * pad.height,
    ]);
    trace(pen, [stroke.slice(-2)], ink, thick);
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button || stroke) return;
    pad.setPointerCapture(event.pointerId);
    strokes.push((stroke = []));
    add(event);
    part("clear").disabled = part("send").disabled = false;
  });
  pad.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    const passed = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    (passed.length ? passed : [event]).forEach(add);
  });
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => (stroke = null));
  part("clear").addEventListener("click", wipe);
  part("send").addEventListener("click", () => {
    likeTheDataset(strokes, style, paper, ink).toBlob((blob) => send(blob, "drawing.png"), "image/png");
  });
  wipe();
}

function trace(pen, strokes, ink, thick) {
  pen.strokeStyle = ink;
  pen.lineWidth = thick;
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  for (const points of strokes) {
    pen.moveTo(...points[0]);
    (points.length > 1 ? points.slice(1) : points).forEach((point) => pen.lineTo(...point));
  }
  pen.stroke();
}

// The strokes drawn anew in the size of the model's input: as large, as thick and as centred (by
// their weight) as those of the dataset's pictures. Drawn FINE times as large, then averaged.
function likeTheDataset(strokes, { width, height, box, pen: thick }, paper, ink) {
  const FINE = Math.max(1, Math.min(8, Math.floor(2048 / Math.max(width, height))));
  const xs = strokes.flat().map(([x]) => x);
  const ys = strokes.flat().map(([, y]) => y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [wide, high] = [Math.max(...xs) - left, Math.max(...ys) - top];
  const room = Math.max(1, box * Math.min(width, height) - thick) * FINE;
  const scale = room / Math.max(wide, high, 1e-6);
  const large = canvas(width * FINE, height * FINE);
  const half = (thick * FINE) / 2;
  const place = ([x, y]) => [(x - left) * scale + half, (y - top) * scale + half];
  const small = Math.max(wide, high) < 8; // a dot stays a dot
  const placed = strokes.map((points) => (small ? [[half, half]] : points.map(place)));
  const size = small ? [2 * half, 2 * half] : [wide * scale + 2 * half, high * scale + 2 * half];

  const draw = (across, down) => {
    large.pen.setTransform(1, 0, 0, 1, 0, 0);
    large.pen.fillStyle = paper;
    large.pen.fillRect(0, 0, width * FINE, height * FINE);
    large.pen.setTransform(1, 0, 0, 1, across, down);
    trace(large.pen, placed, ink, thick * FINE);
    return large.pen.getImageData(0, 0, width * FINE, height * FINE).data;
  };
  const weight = (data) => {
    let [sum, x, y] = [0, 0, 0];
    for (let at = 0, place = 0; at < data.length; at += 4, place++) {
      const here = paper === "#000" ? data[at] : 255 - data[at];
      sum += here;
      x += here * (place % (width * FINE));
      y += here * Math.floor(place / (width * FINE));
    }
    return [x / sum, y / sum];
  };
  const within = (value, most) => Math.max(0, Math.min(value, Math.max(0, most)));
  const [x, y] = weight(draw(0, 0));
  const data = draw(
    within((width * FINE) / 2 - x, width * FINE - size[0]),
    within((height * FINE) / 2 - y, height * FINE - size[1]),
  );
  const out = canvas(width, height);
  const pixels = out.pen.createImageData(width, height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let sum = 0;
      for (let down = 0; down < FINE; down++) {
        const from = ((row * FINE + down) * width + column) * FINE * 4;
        for (let across = 0; across < FINE; across++) sum += data[from + across * 4];
      }
      const value = Math.round(sum / FINE ** 2);
      pixels.data.set([value, value, value, 255], (row * width + column) * 4);
    }
  }
  out.pen.putImageData(pixels, 0, 0);
  return out.element;
}

function canvas(width, height) {
  const element = document.createElement("canvas");
  [element.width, element.height] = [width, height];
  return { element, pen: element.getContext("2d", { alpha: false, willReadFrequently: true }) };
}
