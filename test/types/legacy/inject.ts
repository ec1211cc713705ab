import { Inject, Injectable, token } from 'partyline'

// @Inject stands on parameters of constructors, and nowhere else.

const CLOCK = token<() => number>('CLOCK')

@Injectable()
export class Service {
  constructor(
    @Inject('motto') readonly motto: string,
    @Inject(CLOCK) readonly clock: () => number,
    @Inject(Date) readonly date: Date,
  ) {}

  // @ts-expect-error Unable to resolve signature of property decorator
  @Inject('motto') property = ''

  // @ts-expect-error Unable to resolve signature of method decorator
  @Inject('motto') method() {}
}

// @ts-expect-error Unable to resolve signature of class decorator
@Inject('motto')
export class Class {}
