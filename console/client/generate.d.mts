export function python(): string;
export function generated(): Promise<string>;
