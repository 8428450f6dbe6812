/** Where apps run, as labels of metrics; whatever else they say is `other`. */
export const sdkPlatforms = ['weixin', 'alipay', 'douyin', 'uni', 'fetch', 'other'] as const
