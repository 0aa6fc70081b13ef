/** Of the app, as in package.json: a change of any stage that changes results raises it. */
export const APP_VERSION = '0.10.0';
