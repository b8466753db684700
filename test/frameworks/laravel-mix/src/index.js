import plain from './photo.png';
import photo from './photo.png?upscale=2';
import jpeg from './photo.jpg?upscale=3';
import set from './set.png?upscale=1;2&as=srcset';
import img from './set.jpg?upscale=1;2&as=img';

function show(wants, attributes) {
  document.body.append(Object.assign(document.createElement('img'), attributes));
  document.body.lastElementChild.dataset.wants = wants;
}

show('120x80', { src: plain });
show('240x160', { src: photo });
show('360x240', { src: jpeg });
show('120x80 240x160', { srcset: set });
show('120x80 240x160', { src: img.src, srcset: img.srcset });
