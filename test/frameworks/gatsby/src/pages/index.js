import React from 'react';
import plain from '../photo.png';
import photo from '../photo.png?upscale=2';
import jpeg from '../photo.jpg?upscale=3';
import set from '../set.png?upscale=1;2&as=srcset';
import img from '../set.jpg?upscale=1;2&as=img';
import '../style.css';

export default function Page() {
  return (
    <main>
      <img data-wants="120x80" alt="" src={plain} />
      <img data-wants="240x160" alt="" src={photo} />
      <img data-wants="360x240" alt="" src={jpeg} />
      <img data-wants="120x80 240x160" alt="" srcSet={set} />
      <img data-wants="120x80 240x160" alt="" src={img.src} srcSet={img.srcset} />
      <div data-wants="240x160" className="css" />
    </main>
  );
}
