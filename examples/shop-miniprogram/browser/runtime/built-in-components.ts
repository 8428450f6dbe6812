import type { ComponentSpace, GeneralComponent } from 'glass-easel'

/** Makes `button`, `input`, `image` and `scroll-view` known to every page of this space; `view` and `text` are nothing but elements. */
export function defineBuiltIns(space: ComponentSpace): void {
  space.setGlobalUsingComponent('wx-button', defineButton(space))
  space.setGlobalUsingComponent('wx-input', defineInput(space))
  space.setGlobalUsingComponent('wx-image', defineImage(space))
  space.setGlobalUsingComponent('wx-scroll-view', defineScrollView(space))
}

type Defined = ReturnType<ReturnType<ComponentSpace['define']>['registerComponent']>

function defineButton(space: ComponentSpace): Defined {
  return space
    .define('wx-button')
    .property('type', { type: String, value: 'default' })
    .property('size', { type: String, value: 'default' })
    .property('disabled', Boolean)
    .property('loading', Boolean)
    .observer(['type', 'size', 'disabled', 'loading'], function () {
      const { type, size, disabled, loading } = this.data
      const element = elementOf(this)
      element.setAttribute('type', type)
      element.setAttribute('size', size)
      element.toggleAttribute('disabled', disabled)
      element.toggleAttribute('loading', loading)
      element.tabIndex = disabled ? -1 : 0
    })
    .lifetime('attached', function () {
      const element = elementOf(this)
      element.setAttribute('role', 'button')
      element.addEventListener('keydown', ({ key }) => {
        if (key === 'Enter' && !this.data.disabled)
          this.triggerEvent('tap', {}, { bubbles: true, composed: true })
      })
    })
    .registerComponent()
}

function defineInput(space: ComponentSpace): Defined {
  return space
    .define('wx-input')
    .property('value', String)
    .property('placeholder', String)
    .property('type', { type: String, value: 'text' })
    .property('confirmType', { type: String, value: 'done' })
    .property('maxlength', { type: Number, value: 140 })
    .property('disabled', Boolean)
    .lifetime('created', function () {
      const input = document.createElement('input')
      elementOf(this).append(input)
      const tell = (name: string): void => this.triggerEvent(name, { value: input.value })
      for (const name of ['input', 'focus', 'blur'])
        input.addEventListener(name, (event) => {
          // The page listens to the component: it would hear of the element inside as well.
          event.stopPropagation()
          tell(name)
        })
      input.addEventListener('keydown', ({ key }) => {
        if (key === 'Enter') tell('confirm')
      })
    })
    .observer(['value', 'placeholder', 'type', 'confirmType', 'maxlength', 'disabled'], function () {
      const { value, placeholder, type, confirmType, maxlength, disabled } = this.data
      const input = elementOf(this).querySelector('input')!
      if (input.value !== value) input.value = value
      input.placeholder = placeholder
      input.inputMode = type === 'number' || type === 'digit' ? 'numeric' : 'text'
      input.enterKeyHint = confirmType
      input.maxLength = maxlength
      input.disabled = disabled
    })
    .registerComponent()
}

/** How a picture fills its place, in words of CSS. */
const fits: Readonly<Record<string, string>> = {
  scaleToFill: 'fill',
  aspectFit: 'contain',
  aspectFill: 'cover',
}

function defineImage(space: ComponentSpace): Defined {
  return space
    .define('wx-image')
    .property('src', String)
    .property('mode', { type: String, value: 'scaleToFill' })
    .lifetime('created', function () {
      const image = document.createElement('img')
      image.alt = ''
      image.draggable = false
      elementOf(this).append(image)
    })
    .observer(['src', 'mode'], function () {
      const image = elementOf(this).querySelector('img')!
      const { src, mode } = this.data
      if (src !== '') image.src = src
      image.style.objectFit = fits[mode] ?? 'fill'
    })
    .registerComponent()
}

function defineScrollView(space: ComponentSpace): Defined {
  return space
    .define('wx-scroll-view')
    .property('scrollX', Boolean)
    .property('scrollY', Boolean)
    .observer(['scrollX', 'scrollY'], function () {
      const { style } = elementOf(this)
      style.overflowX = this.data.scrollX ? 'auto' : 'hidden'
      style.overflowY = this.data.scrollY ? 'auto' : 'hidden'
    })
    .registerComponent()
}

function elementOf(component: GeneralComponent): HTMLElement {
  return component.getBackendElement() as unknown as HTMLElement
}
