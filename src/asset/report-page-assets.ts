/** Style of the page of the report. */
export const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
section { margin: 3rem 0; }
h2 { font-size: 1.1rem; overflow-wrap: anywhere; }
.compare { position: relative; width: 100%; --split: 50%;
  background: repeating-conic-gradient(#8884 0 25%, #8881 0 50%) 0 / 16px 16px; }
.compare img { position: absolute; inset: 0; width: 100%; height: 100%; }
.compare .before { clip-path: inset(0 calc(100% - var(--split)) 0 0); }
.compare .after { clip-path: inset(0 0 0 var(--split)); }
label { display: flex; gap: 0.75rem; align-items: center; margin: 0.75rem 0; }
input { flex: 1; max-width: 30rem; }
dl { display: flex; flex-wrap: wrap; gap: 0.25rem 2rem; margin: 0; }
dl div { display: flex; gap: 0.5rem; }
dt { opacity: 0.65; }
dd { margin: 0; overflow-wrap: anywhere; }
`;

/** Moves the border between before and after with the slider beneath them. */
export const script = `
for (const input of document.querySelectorAll('input[type=range]')) {
  const pictures = input.closest('section').querySelector('.compare');
  const move = () => pictures.style.setProperty('--split', input.value + '%');
  input.addEventListener('input', move);
  move();
}
`;
