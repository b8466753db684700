/* global document */
import drawing from '../images/clipart-sailing.png?upscale=1;2;3&as=img';
import photo from '../images/rocket.jpg?upscale=1;2&format=jpeg;webp&as=picture';
import thumbnail from '../images/astronaut.png?upscale&preset=thumbnail';

/** `drawing` has src, srcset, width and height: those of the layout, so nothing jumps when the image arrives. */
const img = (attributes, alt) => Object.assign(document.createElement('img'), attributes, { alt });

const picture = document.createElement('picture');
for (const source of photo.sources) picture.append(Object.assign(document.createElement('source'), source));
picture.append(img(photo.img, 'A rocket on its pad'));

document.querySelector('#drawing').prepend(img(drawing, 'A sailing boat'));
document.querySelector('#picture').prepend(picture);
document.querySelector('#thumbnail').prepend(img(thumbnail, 'Eileen Collins'));
