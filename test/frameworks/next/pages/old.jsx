import Image from 'next/image';
import photo from '../images/photo.png?upscale=3';
import img from '../images/photo.png?upscale=1;2&as=img';
import styles from '../app/page.module.css';

/** The pages router. */
export default function Old() {
  return (
    <main>
      <Image data-wants="360x240" alt="" src={photo} unoptimized />
      <img data-wants="120x80 240x160" alt="" src={img.src} srcSet={img.srcset} />
      <div className={styles.module} data-wants="480x320" />
    </main>
  );
}
