/**
 * Two pictures, one over the other, with a border between them that the slider moves.
 *
 * The border lies in the window through which the pictures are seen, not in the pictures: when they are larger than it, both
 * halves stay in sight, whatever is scrolled.
 *
 * @param {Record<string, HTMLElement>} elements by their ids
 */
export function createComparison({ frame, view, layers, divider, before, after, slider, share, actual }) {
  /** Pixels of what is shown. */
  let size = { width: 0, height: 0 };

  const split = () => {
    const x = (share.value / 100) * view.clientWidth;
    divider.style.left = `${x}px`;
    const inPicture = x + view.scrollLeft - layers.offsetLeft;
    // The picture before may have transparent places: neither is ever seen through the other.
    before.style.clipPath = after.hidden ? '' : `inset(0 ${layers.clientWidth - inPicture}px 0 0)`;
    after.style.clipPath = `inset(0 0 0 ${inPicture}px)`;
    share.setAttribute('aria-valuetext', `${share.value} % before`);
  };

  const layOut = () => {
    // A pixel of the picture on a pixel of the display.
    const width = `${size.width / devicePixelRatio}px`;
    const ratio = size.width / size.height;
    layers.style.aspectRatio = `${size.width} / ${size.height}`;
    layers.style.width = actual.checked ? width : '100%';
    frame.style.width = actual.checked ? `min(100%, ${width})` : `min(100%, ${width}, ${75 * ratio}vh)`;
    split();
  };

  const drag = (event) => {
    const { left, width } = frame.getBoundingClientRect();
    share.value = (100 * (event.clientX - left)) / width;
    split();
  };

  share.addEventListener('input', split);
  view.addEventListener('scroll', split);
  actual.addEventListener('change', layOut);
  new ResizeObserver(split).observe(view);
  new ResizeObserver(split).observe(layers);
  frame.addEventListener('pointerdown', (event) => {
    // A finger on the picture scrolls; on the handle it moves the border.
    const onHandle = divider.contains(event.target);
    if (after.hidden || event.button !== 0 || (event.pointerType === 'touch' && !onHandle)) return;
    // Scroll bars are the browser's.
    const { left, top } = view.getBoundingClientRect();
    if (event.clientX - left > view.clientWidth || event.clientY - top > view.clientHeight) return;
    event.preventDefault();
    frame.setPointerCapture(event.pointerId);
    drag(event);
  });
  frame.addEventListener('pointermove', (event) => {
    if (frame.hasPointerCapture(event.pointerId)) drag(event);
  });

  return {
    /** @returns {Promise<{ width: number, height: number } | undefined>} pixels; undefined where the browser can't show it */
    async showBefore(url) {
      for (const one of [after, divider, slider]) one.hidden = true;
      frame.hidden = false;
      actual.checked = false;
      const pixels = await load(before, url);
      frame.hidden = !pixels;
      size = pixels ?? { width: 0, height: 0 };
      layOut();
      return pixels;
    },

    /** @returns {Promise<boolean>} whether the browser can show it */
    async showAfter(url) {
      const pixels = await load(after, url);
      const both = pixels !== undefined && !frame.hidden;
      for (const one of [after, divider, slider]) one.hidden = !both;
      if (both) size = pixels;
      share.value = 50;
      layOut();
      return both;
    },
  };
}

async function load(image, url) {
  image.src = url;
  try {
    await image.decode();
    return { width: image.naturalWidth, height: image.naturalHeight };
  } catch {
    return undefined;
  }
}
