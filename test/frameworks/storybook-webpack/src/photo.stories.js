import { createElement } from 'react';
import './style.css';
import plain from './photo.png';
import photo from './photo.png?upscale=2';
import jpeg from './photo.jpg?upscale=3';
import set from './set.png?upscale=1;2&as=srcset';
import img from './set.jpg?upscale=1;2&as=img';

const made = new URL('./photo.png?upscale=4', import.meta.url).href;

const shown = [
  ['120x80', { src: plain }],
  ['240x160', { src: photo }],
  ['360x240', { src: jpeg }],
  ['120x80 240x160', { srcSet: set }],
  ['120x80 240x160', { src: img.src, srcSet: img.srcset }],
  ['480x320', { src: made }],
];

export default { title: 'Photo' };

export const All = {
  render: () =>
    createElement(
      'main',
      {},
      shown.map(([wants, attributes], key) => createElement('img', { key, 'data-wants': wants, ...attributes })),
      createElement('div', { 'data-wants': '240x160', className: 'css' }),
    ),
};
