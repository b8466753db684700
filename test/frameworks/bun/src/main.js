import './style.css';
import two from './photo.png?upscale=2';
import three from './photo.png?upscale=3';
import jpeg from './photo.jpg?upscale=2';
import webp from './photo.png?upscale=2&format=webp';
import wide from './photo.png?upscale&width=200';
import set from './set.png?upscale=1;2&as=srcset';
import img from './set.png?upscale=1;2&format=webp&as=img';

function show(wants, attributes) {
  document.body.append(Object.assign(document.createElement('img'), attributes));
  document.body.lastElementChild.dataset.wants = wants;
}

show('240x160', { src: two });
show('360x240', { src: three });
show('240x160', { src: jpeg });
show('240x160', { src: webp });
show('200x133', { src: wide });
show('120x80 240x160', { srcset: set });
show('120x80 240x160', { src: img.src, srcset: img.srcset });

const css = document.createElement('div');
css.className = 'css';
css.dataset.wants = '360x240';
document.body.append(css);
