import { createComparison } from './compare.js';
import { fetchModels, Problem, upload, uploadAsJob } from './upload.js';

/** Pictures of more pixels, or bytes where no pixels are known, are made as jobs: they may take longer than a request. */
const large = { pixels: 2_000_000, bytes: 2 * 1024 * 1024 };

/** All elements that have a name. */
const at = Object.fromEntries([...document.querySelectorAll('[id]')].map((element) => [element.id, element]));
const comparison = createComparison(at);

/** The picture to upscale, what is known of it, and what stops its upload. */
let picture;
let shown = Promise.resolve();
let running;

const urls = { before: undefined, after: undefined };

/** A URL of these bytes; the one that stood there before is revoked. */
function urlOf(place, blob) {
  if (urls[place]) URL.revokeObjectURL(urls[place]);
  return (urls[place] = URL.createObjectURL(blob));
}

function choose(blob) {
  if (!blob) return;
  running?.abort();
  picture = blob;
  hideProblem();
  const name = blob.name || 'picture';
  at.drop.classList.add('full');
  at.invitation.hidden = true;
  at.chosen.hidden = false;
  at.chosen.textContent = `${name} · ${bytesOf(blob)}`;
  at.go.disabled = false;
  at.result.hidden = true;
  at.pictures.hidden = false;
  shown = comparison.showBefore(urlOf('before', blob)).then((pixels) => {
    if (picture === blob && pixels) at.chosen.textContent += ` · ${pixels.width} × ${pixels.height}`;
    return pixels;
  });
  at.said.textContent = `${name} is chosen`;
  at.go.focus();
}

async function upscale() {
  running?.abort();
  const own = new AbortController();
  running = own;
  hideProblem();
  at.work.hidden = false;
  at.go.disabled = true;
  const clock = startClock();
  const source = picture;
  try {
    const query = directives();
    const pixels = await shown;
    const isLarge = pixels ? pixels.width * pixels.height > large.pixels : source.size > large.bytes;
    const make = isLarge ? uploadAsJob : upload;
    const options = { query, token: at.token.value, signal: own.signal, onPhase: clock.show };
    const { blob, model } = await make(source, options);
    if (running === own) {
      const name = nameOf(source.name || 'picture', Number(query.get('upscale')), blob.type);
      await showResult(source, { blob, name, model, seconds: clock.seconds() });
    }
  } catch (error) {
    if (running === own && error.name !== 'AbortError') showProblem(error);
  } finally {
    clock.stop();
    if (running === own) {
      running = undefined;
      at.work.hidden = true;
      at.go.disabled = false;
    }
  }
}

/** The directives; what is left empty is for the server to decide. */
function directives() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(at.form)) if (typeof value === 'string' && value) query.set(name, value);
  return query;
}

async function showResult(source, { blob, name, model, seconds }) {
  const url = urlOf('after', blob);
  const both = await comparison.showAfter(url);
  const facts = {
    size: both ? `${at.after.naturalWidth} × ${at.after.naturalHeight}` : undefined,
    bytes: `${bytesOf(source)} → ${bytesOf(blob)}`,
    model,
    time: `${seconds.toFixed(1)} s`,
  };
  at.facts.replaceChildren(...Object.entries(facts).flatMap(([term, text]) => (text ? [fact(term, text)] : [])));
  at.download.href = url;
  at.download.download = name;
  at.actual.parentElement.hidden = !both;
  at.result.hidden = false;
  at.said.textContent = both
    ? 'The larger picture is there'
    : 'The larger picture is there, but this browser can’t show it';
}

function fact(term, text) {
  const row = document.createElement('div');
  row.append(document.createElement('dt'), document.createElement('dd'));
  row.firstChild.textContent = term;
  row.lastChild.textContent = text;
  return row;
}

/** As the command names files: densities multiply. */
function nameOf(name, factor, type) {
  const [, stem, density = '1'] = /^(.*?)(?:@(\d+(?:\.\d+)?)x)?(?:\.[^.]*)?$/.exec(name);
  const [, format = 'png'] = /^image\/([a-z]+)/.exec(type) ?? [];
  const extension = { jpeg: 'jpg', tiff: 'tif' }[format] ?? format;
  return `${stem}@${Number(density) * factor}x.${extension}`;
}

function bytesOf({ size }) {
  return size < 1024 * 1024 ? `${Math.ceil(size / 1024)} KiB` : `${(size / 1024 / 1024).toFixed(1)} MiB`;
}

const phases = { sending: 'Sending', computing: 'Upscaling', receiving: 'Receiving' };

/** A clock that shows what is going on and for how long. */
function startClock() {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  let doing = phases.sending;
  let left;
  const show = () => {
    const rest = left === undefined ? '' : `, about ${left} s left`;
    at.phase.textContent = `${doing} … ${Math.floor(seconds())} s${rest}`;
  };
  const timer = setInterval(show, 250);
  return {
    seconds,
    stop: () => clearInterval(timer),
    show: ({ name, share, secondsLeft }) => {
      left = secondsLeft;
      if (doing !== phases[name]) at.said.textContent = phases[name];
      doing = phases[name];
      if (share === undefined) at.progress.removeAttribute('value');
      else at.progress.value = 100 * share;
      show();
    },
  };
}

/** In words for people: those of the server, but where it speaks to programs. */
function wordsOf(error) {
  if (!(error instanceof Problem)) return { title: 'That did not work', detail: error.message };
  if (error.status === 401) return { title: 'This server does not know that token', detail: '' };
  return { title: error.message, detail: error.detail };
}

function showProblem(error) {
  const { title, detail } = wordsOf(error);
  if (error.status === 401) {
    at.tokenField.hidden = false;
    at.token.focus();
    // Nothing is wrong yet for whoever has not been asked before.
    if (!at.token.value) {
      at.said.textContent = 'This server wants a token';
      return;
    }
  }
  at.problemTitle.textContent = title;
  at.problemDetail.textContent = detail;
  at.problem.hidden = false;
}

function hideProblem() {
  at.said.classList.remove('seen');
  at.problem.hidden = true;
}

const kinds = { choice: 'chosen for each picture', network: 'networks', own: 'your own', interpolation: 'no network' };

async function listModels() {
  try {
    const { default: usual, models } = await fetchModels(at.token.value);
    const groups = Object.entries(kinds).map(([kind, label]) => {
      const group = document.createElement('optgroup');
      group.label = label;
      for (const model of models.filter((one) => one.kind === kind)) {
        const option = new Option(model.label, model.label);
        option.title = model.for ?? model.display;
        group.append(option);
      }
      return group;
    });
    at.model.replaceChildren(...groups.filter((group) => group.childElementCount > 0));
    at.model.value = usual;
    hideProblem();
  } catch (error) {
    showProblem(error);
  }
}

at.form.addEventListener('submit', (event) => {
  event.preventDefault();
  void upscale();
});
at.file.addEventListener('change', () => {
  choose(at.file.files[0]);
  // The same file may be chosen again.
  at.file.value = '';
});
at.cancel.addEventListener('click', () => {
  running?.abort();
  at.said.textContent = 'Cancelled';
  at.said.classList.add('seen');
});
at.token.addEventListener('change', () => void listModels());
addEventListener('paste', (event) => choose(event.clipboardData.files[0]));
addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
addEventListener('dragleave', (event) => {
  if (!event.relatedTarget) document.body.classList.remove('dropping');
});
addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  choose(event.dataTransfer.files[0]);
});

void listModels();
