import './photo.css';
import url from './photo.png?upscale=2';
import srcset from './set.png?upscale=1;2&as=srcset';
import image from './set.jpg?upscale=1;2&as=img';
import picture from './set.jpg?upscale=1;2&format=webp;jpeg&as=picture';

const made = new URL('./photo.png?upscale=2', import.meta.url).href;

export default { title: 'Photo' };

export const All = {
  render: () => `
    <img id="import" data-wants="240x160" src="${url}" alt="" />
    <img id="srcset" data-wants="120x80 240x160" srcset="${srcset}" alt="" />
    <img id="img" data-wants="120x80 240x160" src="${image.src}" srcset="${image.srcset}" alt="" />
    <picture id="picture" data-wants="120x80 240x160">
      ${picture.sources.map(({ type, srcset }) => `<source type="${type}" srcset="${srcset}" />`).join('')}
      <img src="${picture.img.src}" alt="" />
    </picture>
    <img id="new-url" data-wants="240x160" src="${made}" alt="" />
    <p id="css" data-wants="240x160"></p>
    <p id="css-srcset" data-wants="120x80 240x160"></p>`,
};
