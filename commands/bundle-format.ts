/** Of dispute bundles. Apart from what judges them, so that a server which only writes them need not load the whole replay. */
export const bundleFormat = 'duxnet-dispute-bundle-v1'
