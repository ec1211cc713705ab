import { event, Gateway, Guard, Inject, Injectable, On, OnOpen, OnSignal, type Socket, Use } from 'partyline'

// Standard decorators can stand on more than legacy ones: on what is private, and on fields as on methods.

const described = event('described')

@Gateway('/party')
export class Party {
  // @ts-expect-error 'true' is not assignable to type 'false'
  @On() #event(_socket: Socket) {}

  // @ts-expect-error 'true' is not assignable to type 'false'
  @On(described) #described(_socket: Socket) {}

  // @ts-expect-error 'true' is not assignable to type 'false'
  @OnOpen() #open(_socket: Socket) {}

  // @ts-expect-error 'true' is not assignable to type 'false'
  @OnSignal('connected') #connected(_socket: Socket) {}

  // @ts-expect-error No overload matches this call
  @Guard() #guarded(_socket: Socket) {}

  // @ts-expect-error No overload matches this call
  @Use() accessor used = 5

  // @ts-expect-error Unable to resolve signature of property decorator
  @On(described) arrow = (_socket: Socket) => {}

  protected all = [this.#event, this.#described, this.#open, this.#connected, this.#guarded]
}

@Injectable()
export class Service {
  // @ts-expect-error Decorators are not valid here
  constructor(@Inject('motto') readonly motto: string) {}

  // @ts-expect-error Unable to resolve signature of property decorator
  @Inject('motto') property = ''
}
