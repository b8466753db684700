import { useEffect, useState } from 'react';
import url from './photo.png?upscale=2';
import srcSet from './set.png?upscale=1;2&as=srcset';
import image from './set.jpg?upscale=1;2&as=img';
import picture from './set.jpg?upscale=1;2&format=webp;jpeg&as=picture';

const attributes = ({ srcset, ...rest }) => ({ ...rest, srcSet: srcset });

export default function Home() {
  const [made, setMade] = useState(url);
  useEffect(() => setMade(new URL('./photo.png?upscale=2', import.meta.url).href), []);
  return (
    <>
      <img id="import" data-wants="240x160" src={url} alt="" />
      <img id="srcset" data-wants="120x80 240x160" srcSet={srcSet} alt="" />
      <img id="img" data-wants="120x80 240x160" {...attributes(image)} alt="" />
      <picture id="picture" data-wants="120x80 240x160">
        {picture.sources.map((source) => (
          <source key={source.type} {...attributes(source)} />
        ))}
        <img {...attributes(picture.img)} alt="" />
      </picture>
      <img id="new-url" data-wants="240x160" src={made} alt="" />
      <p id="css" data-wants="240x160"></p>
      <p id="css-srcset" data-wants="120x80 240x160"></p>
      <p id="css-url" data-wants="240x160"></p>
    </>
  );
}
