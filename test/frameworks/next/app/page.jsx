import Image from 'next/image';
import plain from '../images/photo.png';
import photo from '../images/photo.png?upscale=2';
import wide from '../images/photo.png?upscale&minWidth=300';
import url from '../images/photo.png?upscale=3&as=url';
import set from '../images/photo.png?upscale=1;2&as=srcset';
import img from '../images/photo.png?upscale=1;2&as=img';
import picture from '../images/photo.png?upscale=1;2&format=png;webp&as=picture';
import metadata from '../images/photo.png?upscale=4&format=webp&as=metadata';
import preset from '../images/photo.png?upscale&preset=both';
import Client from './client';
import styles from './page.module.css';

export default function Page() {
  return (
    <main>
      <Image data-wants="120x80" alt="" src={plain} unoptimized />
      <Image data-wants="240x160" alt="" src={photo} unoptimized placeholder="blur" />
      {/* Next's own optimizer, which enlarges nothing. */}
      <Image data-wants="128x85 240x160" alt="" src={photo} width={120} height={80} priority />
      <img data-wants="8x5" alt="" src={photo.blurDataURL} />
      <Image data-wants="300x200" alt="" src={wide} unoptimized />
      <img data-wants="360x240" alt="" src={url} />
      <img data-wants="120x80 240x160" alt="" src={url} srcSet={set} />
      <img data-wants="120x80 240x160" alt="" src={img.src} srcSet={img.srcset} width={img.width} height={img.height} />
      <picture>
        {picture.sources.map(({ srcset, type }) => (
          <source key={type} srcSet={srcset} type={type} />
        ))}
        <img data-wants="120x80 240x160" alt="" src={picture.img.src} srcSet={picture.img.srcset} />
      </picture>
      <img data-wants="480x320" alt="" src={metadata.src} />
      <img data-wants="120x80 240x160" alt="" srcSet={preset} />
      <div className="url" data-wants="240x160" />
      <div className="media" data-wants="120x80 360x240" />
      <div className="web" data-wants="240x160" />
      <div className={styles.module} data-wants="480x320" />
      {/* A route that upscales by itself. */}
      <img data-wants="240x160" alt="" src="/enlarged" />
      <Client />
    </main>
  );
}
