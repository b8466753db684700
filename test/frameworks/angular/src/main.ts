import { Component } from '@angular/core';
import { bootstrapApplication } from '@angular/platform-browser';
import plain from './photo.png';
import photo from './photo.png?upscale=2';
import jpeg from './photo.jpg?upscale=3';
import set from './set.png?upscale=1;2&as=srcset';
import img from './set.jpg?upscale=1;2&as=img';

@Component({
  selector: 'fixture-root',
  template: `
    <img data-wants="120x80" alt="" [src]="plain" />
    <img data-wants="240x160" alt="" [src]="photo" />
    <img data-wants="360x240" alt="" [src]="jpeg" />
    <img data-wants="120x80 240x160" alt="" [srcset]="set" />
    <img data-wants="120x80 240x160" alt="" [src]="img.src" [srcset]="img.srcset" />
  `,
})
class Fixture {
  protected readonly plain = plain;
  protected readonly photo = photo;
  protected readonly jpeg = jpeg;
  protected readonly set = set;
  protected readonly img = img;
}

void bootstrapApplication(Fixture);
